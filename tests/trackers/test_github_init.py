"""`nox -s init` where GitHub answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.main import run_init
from sessions.settings.configuration_file import load_config
from sessions.settings.options import parse_options
from sessions.terminal.console import Console
from tests.repositories import Builder, run_git
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import TOKEN, FakeGitHub, Pull, serving


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_github_that_answers_is_the_tracker_with_its_labels_and_milestones(
    contract: Contract, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("GH_TOKEN", token)
    base = builder.commit({"Makefile": "check:\n"})
    builder.tag("1.0")
    fake, folder = FakeGitHub(contract), tmp_path / "p"
    for number, labels in {2: ("s: positive review", "p: minor / 4"), 3: ("s: needs work", "p: blocker / 1")}.items():
        tip = builder.commit({f"f{number}": ""}, base, branch=f"refs/pull/{number}/head")
        fake.add(Pull(number=number, title="T", head=tip, labels=list(labels), milestone="1.1", base="main"))
    run_git("clone", "--quiet", builder.url, str(folder), cwd=tmp_path)
    with serving(fake):
        trouble = run_init(("--tracker", fake.url), folder)
        if token != TOKEN:
            assert trouble
            assert "GH_TOKEN" in trouble
            assert not (folder / "integration.toml").exists()
            return
        words = ("--plan", "--date", "2026-11-23")
        options = parse_options(words, session="integrate", called_from=folder, home=folder)
        record = record_data(integrate(options, Console(to_stderr=True)))
    assert fake.problems == []
    tickets = load_config(folder / "integration.toml").tickets[0]
    assert (tickets.tracker, tickets.url, tickets.milestone) == ("github", fake.url, "current")
    assert (tickets.ready, tickets.never) == (("s: positive review",), ("s: needs work",))
    assert tickets.priorities == ("p: blocker / 1", "p: minor / 4")
    assert not (folder / "tickets.toml").exists()
    assert {each["number"]: each["verdict"] for each in record["tickets"]} == {2: "integrated", 3: "ineligible"}
