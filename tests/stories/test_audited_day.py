"""A day whose head is audited before it is pushed, and branches of others that are audited on request."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sessions.audit import audit
from sessions.auditing import branch_audit
from sessions.auditing.branch_steps import AllowedCommits
from sessions.day import head_audit
from sessions.integrate import integrate
from sessions.main import run_finding, run_session
from sessions.settings.options import Options
from sessions.source.merging import Candidate, Merger
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.tickets.trackers import merge_subjects
from tests.repositories import Builder, lines, run_git, ticket_table
from tests.stories.desk import own_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sessions.auditing.branch_audit import Audit
    from sessions.source.repository import Repository

CONFIG = own_config(
    """[[gates]]
name = "yes"
run = "true"
""",
    ready=("ready",),
)
BRANCH = "1.0+integration-2026-11-23"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk with a project of three tickets, of which two change one file."""
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"a": lines(), "b": lines()})
    builder.tag("1.0")
    builder.commit({"a": lines((5, "one"))}, base, branch="t1")
    builder.commit({"a": lines((20, "two"))}, base, branch="t2")
    builder.commit({"b": lines((9, "three"))}, base, branch="t3")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(n, labels=["ready"]) for n in (1, 2, 3)))
    (tmp_path / "integration.toml").write_text(CONFIG)
    return tmp_path


def options(folder: Path, **more: Any) -> Options:
    common = {"config": folder / "integration.toml", "state": folder / "state", "date": dt.date(2026, 11, 23)}
    return Options(**{**common, **more})


def branches(folder: Path) -> list[str]:
    return run_git("for-each-ref", "--format=%(refname:short)", "refs/heads/1*", cwd=folder / "project.git").split()


def look(folder: Path, **more: Any) -> tuple[Mapping[str, Any], str]:
    return audit(options(folder, **{"branch": BRANCH, **more}), Console(to_stderr=True))


def test_a_head_is_audited_and_pushed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = integrate(options(folder, publish=True), Console(to_stderr=True))
    assert record.state == "green"
    assert "audit: each of 3 steps is what plain git makes of its ticket" in capsys.readouterr().err
    assert branches(folder) == [BRANCH]
    found, trouble = look(folder)
    assert (found["state"], found["faults"], trouble) == ("green", [], "")
    assert [step["ticket"] for step in found["steps"]] == ["#1", "#2", "#3"]
    assert found["differences"] == [
        {"path": "a", "lines": "5", "tickets": ("#1",)},
        {"path": "a", "lines": "20", "tickets": ("#2",)},
        {"path": "b", "lines": "9", "tickets": ("#3",)},
    ]


def test_after_a_red_audit_nothing_is_pushed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The merge line itself is wrong: the second ticket's merge takes the tree of its own branch."""
    merge = Merger.merge

    def wrong(merger: Merger, onto: Candidate, ticket: Any) -> Any:
        merged = merge(merger, onto, ticket)
        if ticket.number != 2 or not onto.tickets or not isinstance(merged, Candidate):
            return merged
        git = merger.repository.git
        tree = git("rev-parse", f"{ticket.commit}^{{tree}}").text
        words = ("commit-tree", tree, "-p", onto.commit, "-p", ticket.commit, "-m", "#2: T2")
        who = {f"GIT_{role}_{key}": "t@t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        return Candidate(tickets=merged.tickets, commit=git(*words, env=who).text, tree=tree)

    monkeypatch.setattr(Merger, "merge", wrong)
    words = ["--publish", "--date", "2026-11-23", "--state", "state"]
    trouble = run_session(integrate, "integrate", words, folder)
    assert trouble
    assert trouble.startswith("broken: the audit of the head is red, so nothing is pushed: ")
    assert "(#2: T2) loses what #1 changed in a:5" in trouble
    assert branches(folder) == []
    record = json.loads((folder / "state" / "latest" / "run.json").read_text())
    assert (record["state"], record["published"]) == ("broken", {})
    assert "pushed" not in capsys.readouterr().out.replace("not pushed", "")


def test_a_head_is_audited_once_and_again_before_it_is_pushed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audited: list[str] = []
    once = branch_audit.audit_branch

    def count(repository: Repository, start: str, end: str, known: AllowedCommits) -> Audit:
        audited.append(end)
        return once(repository, start, end, known)

    monkeypatch.setattr(branch_audit, "audit_branch", count)
    first = integrate(options(folder), Console(to_stderr=True))
    again = integrate(options(folder), Console(to_stderr=True))
    assert (audited, again.head) == ([first.head], first.head)
    assert capsys.readouterr().err.count("audit: each of 3 steps is what plain git makes of its ticket") == 2
    integrate(options(folder, publish=True), Console(to_stderr=True))
    assert audited[1:] == [first.head]


@pytest.mark.parametrize("text", ["", "[]", "{}", '["damaged"]', '{"verdict": "x"}', '{"inputs": "b", "verdict": "x"}'])
def test_an_audit_that_was_of_something_else_or_is_damaged_does_not_count(tmp_path: Path, text: str) -> None:
    file = tmp_path / "audited.json"
    assert head_audit._verdict_of(file, "a") == ""
    file.write_text(text)
    assert head_audit._verdict_of(file, "a") == ""
    file.write_text('{"inputs": "a", "verdict": "x"}')
    assert head_audit._verdict_of(file, "a") == "x"


def test_whatever_an_audit_depends_on_makes_it_another_one() -> None:
    known = AllowedCommits(tickets={1: "c", 2: "d"}, subjects=merge_subjects(), strict=True)
    others = (
        replace(known, tickets={1: "d", 2: "c"}),
        replace(known, others={"e": "trunk"}),
        replace(known, settled={"c": frozenset("ab")}),
        replace(known, replaced={"c": frozenset("ab")}),
    )
    digests = [head_audit._digest("a", "b", each) for each in (known, *others)]
    digests += [head_audit._digest("a", "c", known), head_audit._digest("b", "b", known)]
    assert len(set(digests)) == len(digests)
    assert digests[0] == head_audit._digest("a", "b", replace(known, tickets={2: "d", 1: "c"}))


def test_a_change_that_somebody_pushed_on_top_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    integrate(options(folder, publish=True), Console(to_stderr=True))
    builder = Builder.of(folder / "project.git")
    head = builder.git("rev-parse", f"refs/heads/{BRANCH}")
    builder.commit({"a": lines((20, "two"), (28, "quick fix"))}, head, branch=BRANCH, message="quick fix")
    words = ["--branch", BRANCH, "--from", "1.0", "--state", "state", "--json"]
    trouble = run_finding(audit, "audit", words, folder)
    assert trouble
    assert trouble.startswith(f"The audit of {BRANCH} is red: ")
    found = json.loads(capsys.readouterr().out)
    told = [(each["kind"], each["path"], each["lines"], each["tickets"]) for each in found["faults"]]
    assert told == [("missing", "a", "5", ["#1"]), ("stray", "a", "28", [])]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"branch": None}, "Name the branch"),
        ({"branch": "none"}, "no branch 'none'"),
        ({"since": "0.1"}, "no tag '0.1'"),
    ],
)
def test_what_cannot_be_audited_is_said(folder: Path, more: dict[str, Any], said: str) -> None:
    integrate(options(folder, publish=True), Console(to_stderr=True))
    with pytest.raises(Exception, match=said) as caught:
        look(folder, **more)
    assert caught.type.__name__ in (UsageError.__name__, "SourceError")
