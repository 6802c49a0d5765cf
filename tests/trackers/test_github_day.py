"""The sample's tickets as pull requests on the fake GitHub: a whole day, told, told again, and the day after."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.report import report
from sessions.sample.history import expectations
from sessions.sample.unpack import unpack_sample
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.tickets.trackers import github
from tests.repositories import run_git
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import TOKEN, FakeGitHub, Pull, serving

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def fake(contract: Contract) -> Iterator[FakeGitHub]:
    fake = FakeGitHub(contract)
    with serving(fake):
        yield fake
    assert fake.problems == []  # every request and response kept to GitHub's published contract


@pytest.fixture
def options(tmp_path: Path, fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> Options:
    sample = unpack_sample(tmp_path / "sample")
    for ticket in tomllib.loads(sample.tickets.read_text())["ticket"]:
        branch = f"refs/heads/{ticket.get('branch', 'none')}"
        tip = run_git("rev-parse", "--verify", "-q", branch, cwd=sample.repository, ok=(0, 1))
        if tip:
            run_git("update-ref", f"refs/pull/{ticket['number']}/head", tip, cwd=sample.repository)
        fake.add(_pull(ticket, tip))
    text = (ROOT / "integration.toml").read_text()
    for key, value in (("repository", str(sample.repository)), ("tracker", "github"), ("url", fake.url)):
        text = re.sub(rf"(?m)^{key} +=.*$", f'{key} = "{value}"', text, count=1)
    (tmp_path / "integration.toml").write_text(text)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setattr(github, "PAUSE", 0.0)  # GitHub's own pace would make the test sleep
    return Options(
        config=tmp_path / "integration.toml",
        state=tmp_path / "state",
        date=dt.date(2026, 11, 23),
        engine="local",
        publish=True,
    )


def _pull(ticket: dict[str, Any], tip: str) -> Pull:
    return Pull(
        number=ticket["number"],
        title=ticket["title"],
        body=f"## Dependencies\n{ticket.get('depends', '')}\n",
        labels=list(ticket.get("labels", ())),
        milestone=ticket.get("milestone") or None,
        head=ticket.get("commit") or tip,
        author=next(iter(ticket.get("authors", ())), "somebody"),
    )


def test_the_day_has_the_samples_verdicts_and_is_told_once(options: Options, fake: FakeGitHub) -> None:
    console = Console(to_stderr=True)
    record = record_data(integrate(options, console))
    expected = {number: str(each.verdict) for number, each in expectations().items()}
    # A pull request always names a branch: one without is one that cannot be fetched.
    assert {t["number"]: t["verdict"] for t in record["tickets"]} == expected | {122: "unfetchable"}

    report(options, console)
    told = {number for number, pull in fake.pulls.items() if pull.comments}
    assert told == {number for number, verdict in expected.items() if verdict != "ineligible"} | {122}
    assert all(len(pull.comments) <= 1 for pull in fake.pulls.values())
    assert "nox -s integrate -- --only 115,116 --gates doctest" in fake.pulls[116].comments[0]["body"]

    assert _writes(fake, lambda: report(options, console)) == 0
    tomorrow = replace(options, date=options.date + dt.timedelta(days=1))
    assert integrate(tomorrow, console).timings.probes_run == 0
    assert _writes(fake, lambda: report(tomorrow, console)) == 0


def _writes(fake: FakeGitHub, act: Callable[[], object]) -> int:
    before = len(fake.writes)
    act()
    return len(fake.writes) - before
