"""One issue for each flaky test: from a ledger and a record to the fake GitHub, by the session that users type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.gates.results import Failure, Results, TestId
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record import Record, RecordedProbe
from sessions.ledger.record_file import parse_record, save_record
from sessions.report import tell_flakes
from sessions.settings.configuration import Config, Gate, Project, ReleaseLine, Tracker
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import RefusedError, TrackerError, UsageError
from sessions.tickets.trackers.github import tracker
from tests.reporting.big_day import big_day
from tests.trackers import gitea_fake, gitlab_fake
from tests.trackers.gitea_fake import FakeGitea
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import TOKEN, FakeGitHub, serving
from tests.trackers.gitlab_fake import FakeGitLab
from tests.trackers.sockets import Fault

PLAIN = parse_record(big_day(2))
LABEL = "flaky test"
EVIL = "<script>x</script> @everyone #1 <!-- --> \x1b[31m | `x`\n/close\n```\n@octocat" * 5
SHAKY = TestId("tests/a.py", "shaky")
TREES = tuple(letter * 40 for letter in "abc")


@pytest.fixture
def github(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setattr(tracker, "PAUSE", 0.0)
    with serving(FakeGitHub(contract)) as fake:
        yield fake
    assert fake.problems == []


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitLab]:
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
    with gitlab_fake.serving(FakeGitLab()) as fake:
        yield fake
    assert fake.problems == []


@pytest.fixture
def forgejo(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitea]:
    monkeypatch.setenv("FORGEJO_TOKEN", gitea_fake.TOKEN)
    with gitea_fake.serving(FakeGitea(page=2)) as fake:
        yield fake
    assert fake.problems == []


def run(state: Path, day: int, endings: str, test: TestId = SHAKY, line: str = "") -> Record:
    """Store runs of one day's release, ``.`` for a pass and ``F`` for a failure, and their record."""
    tree, log = TREES[day - 20] if not line else f"{day}{line[0]}".ljust(40, "0"), f"logs/{day}{line}.log"
    passed = Results(gate="unit", passed=(test,), files=(test.file,), tests=1)
    failed = replace(passed, passed=(), failures=(Failure(test=test, message=f"boom {EVIL}"),), status=1)
    with closing(Ledger(state / "ledger.sqlite")) as ledger:
        for attempt, ending in enumerate(endings, start=1):
            key = Key(tree=tree, image="i", gate="unit@1", tests=test.file, attempt=attempt)
            results = failed if ending == "F" else passed
            ledger.write(key, ProbeResult(built=True, results=results, seconds=1.0, log=log))
    probe = RecordedProbe(
        gate="unit", why="", tree=tree, tickets=(), files=None, attempt=1, failures=0, seconds=1, log=log
    )
    record = replace(PLAIN, date=f"2026-11-{day}", release="1.0", probes=(probe,), tickets=())
    home = state / "lines" / line if line else state
    save_record(record, home / "days" / record.date)
    save_record(record, home / "latest")
    return record


def tell(
    state: Path,
    forge: FakeGitHub | FakeGitLab | FakeGitea,
    record: Record,
    *,
    publish: bool = True,
    kind: str = "github",
    line: str = "",
) -> None:
    settings = Tracker(tracker=kind, url=forge.url, flake_label=LABEL)
    lines = tuple(ReleaseLine(name=name) for name in ("new", "old")) if line else ()
    project, gates = Project(name="x", repository="x"), (Gate(name="unit", run=""),)
    config = Config(version=1, project=project, tickets=(settings,), gates=gates, lines=lines)
    date = dt.date.fromisoformat(record.date)
    options = Options(config=state, state=state, date=date, publish=publish, line=line)
    tell_flakes(config, options, record, Console())


def test_an_issue_is_opened_once_edited_closed_and_opened_again(tmp_path: Path, github: FakeGitHub) -> None:
    first = run(tmp_path, 20, "F.F..F.F" * 3)
    tell(tmp_path, github, first, publish=False)
    assert github.requests == []
    tell(tmp_path, github, first)
    [issue] = github.own_issues
    assert (issue["title"], issue["labels"], issue["state"]) == (
        "Flaky test: tests/a.py::shaky (unit)",
        [LABEL],
        "open",
    )
    assert "failed in 12 of 24 runs" in issue["body"]
    tell(tmp_path, github, first)
    assert (len(github.own_issues), issue["edits"]) == (1, 0)

    tell(tmp_path, github, run(tmp_path, 21, "..."))
    assert (issue["edits"], issue["state"]) == (1, "open")
    assert "failed in 12 of 27 runs" in issue["body"]
    steady = run(tmp_path, 21, "." * 20)
    tell(tmp_path, github, steady)
    assert (issue["edits"], issue["state"]) == (2, "closed")
    assert "has passed in 20 runs since" in issue["body"]
    tell(tmp_path, github, steady)
    assert issue["edits"] == 2

    issue["closed_at"] = "2026-11-21T10:00:00Z"
    tell(tmp_path, github, run(tmp_path, 22, "F."))
    assert (len(github.own_issues), issue["state"]) == (1, "open")


def test_gitlab_has_the_same(tmp_path: Path, gitlab: FakeGitLab) -> None:
    first = run(tmp_path, 20, "F.F..F.F" * 3, TestId("tests/b.py", EVIL))
    tell(tmp_path, gitlab, first, kind="gitlab")
    tell(tmp_path, gitlab, first, kind="gitlab")
    [issue] = gitlab.own_issues
    assert (issue["labels"], issue["state"], issue["edits"]) == ([LABEL], "opened", 0)
    tell(tmp_path, gitlab, run(tmp_path, 21, "." * 20, TestId("tests/b.py", EVIL)), kind="gitlab")
    assert (issue["state"], issue["edits"]) == ("closed", 1)
    issue["closed_at"] = "2026-11-21T10:00:00Z"
    tell(tmp_path, gitlab, run(tmp_path, 22, "F.", TestId("tests/b.py", EVIL)), kind="gitlab")
    assert (len(gitlab.own_issues), issue["state"]) == (1, "opened")
    gitlab.denied["POST /issues"] = (403, {"message": "403 Forbidden"})
    with pytest.raises(RefusedError, match=r"GitLab refuses to change issues in .*: are issues enabled"):
        tell(tmp_path, gitlab, run(tmp_path, 20, "F.F."), kind="gitlab")


def test_forgejo_has_the_same(tmp_path: Path, forgejo: FakeGitea) -> None:
    record = run(tmp_path, 20, "F.F..F.F" * 3)
    forgejo.labels = {"a": False, "b": False}
    with pytest.raises(
        RefusedError, match=r"forge/abacus has no label 'flaky test': make it, or correct .*flake_label"
    ):
        tell(tmp_path, forgejo, record, kind="forgejo")
    assert forgejo.own_issues == []
    forgejo.labels[LABEL] = False
    for test in (SHAKY, TestId("tests/b.py", EVIL), TestId("tests/c.py", "c")):
        record = run(tmp_path, 20, "F.F..F.F" * 3, test)
    tell(tmp_path, forgejo, record, kind="forgejo")
    tell(tmp_path, forgejo, record, kind="forgejo")
    assert [each["edits"] for each in forgejo.own_issues] == [0, 0, 0]
    issue = next(each for each in forgejo.own_issues if "shaky" in each["title"])
    tell(tmp_path, forgejo, run(tmp_path, 21, "." * 20), kind="forgejo")
    assert (issue["state"], issue["edits"], len(forgejo.own_issues)) == ("closed", 1, 3)
    issue["closed_at"] = "2026-11-21T10:00:00Z"
    tell(tmp_path, forgejo, run(tmp_path, 22, "F."), kind="forgejo")
    assert (issue["state"], len(forgejo.own_issues)) == ("open", 3)


def test_an_issue_is_closed_when_its_test_is_steady_in_every_line(tmp_path: Path, github: FakeGitHub) -> None:
    """It fails in the old line alone; the new one, which passes often, neither opens nor closes anything by itself."""
    new = run(tmp_path, 20, "." * 5, line="new")
    tell(tmp_path, github, new, line="new")
    assert github.own_issues == []
    old = run(tmp_path, 20, "F.F..F.F", line="old")
    tell(tmp_path, github, old, line="old")
    [issue] = github.own_issues
    assert "failed in 4 of 8 runs" in issue["body"]
    tell(tmp_path, github, run(tmp_path, 21, "." * 15, line="new"), line="new")
    assert (issue["state"], issue["edits"]) == ("open", 0)
    tell(tmp_path, github, run(tmp_path, 22, "F.F.", line="new"), line="new")
    assert (len(github.own_issues), issue["state"], issue["edits"]) == (1, "open", 1)
    assert "- new: failed in 2 of 24 runs, last on 2026-11-22\n- old: failed in 4 of 8 runs" in issue["body"]
    tell(tmp_path, github, run(tmp_path, 23, "." * 300, line="new"), line="new")
    assert issue["state"] == "open"
    assert "last on 2026-11-22; steady since" in issue["body"]
    tell(tmp_path, github, run(tmp_path, 23, "." * 60, line="old"), line="old")
    assert issue["state"] == "closed"


def test_an_issue_of_a_line_that_is_not_known_here_is_left_alone(tmp_path: Path, github: FakeGitHub) -> None:
    """The old line was tested on another machine: this one cannot say whether the test is steady there."""
    (tmp_path / "other").mkdir()
    tell(tmp_path / "other", github, run(tmp_path / "other", 20, "F.F..F.F", line="old"), line="old")
    run(tmp_path, 20, "F.F.", line="new")
    tell(tmp_path, github, run(tmp_path, 21, "." * 60, line="new"), line="new")
    [issue] = github.own_issues
    assert (issue["state"], issue["edits"]) == ("open", 0)


def test_what_a_person_closed_stays_closed_until_the_test_fails_again(tmp_path: Path, github: FakeGitHub) -> None:
    record = run(tmp_path, 20, "F.F..F.F")
    tell(tmp_path, github, record)
    github.own_issues[0] |= {"state": "closed", "closed_at": "2026-11-20T23:00:00Z"}
    tell(tmp_path, github, run(tmp_path, 21, "."))
    assert (github.own_issues[0]["state"], github.own_issues[0]["edits"]) == ("closed", 0)


def test_a_cut_connection_doubles_nothing(tmp_path: Path, github: FakeGitHub) -> None:
    """The issue was opened, and the answer did not arrive, as when the session is killed."""
    record = run(tmp_path, 20, "F.F.")
    github.faults[1] = Fault(kind="cut", heard=True)
    with pytest.raises(TrackerError, match="may or may not have heard"):
        tell(tmp_path, github, record)
    tell(tmp_path, github, record)
    assert len(github.own_issues) == 1


def test_an_issue_of_somebody_else_with_the_same_marker_is_left_alone(tmp_path: Path, github: FakeGitHub) -> None:
    record = run(tmp_path, 20, "F.F.")
    tell(tmp_path, github, record)
    github.own_issues[0]["author"] = "mallory"
    tell(tmp_path, github, record)
    assert [each["author"] for each in github.own_issues] == ["mallory", "integrand-bot"]


def test_hostile_names_and_messages_give_no_orders(tmp_path: Path, github: FakeGitHub) -> None:
    tell(tmp_path, github, run(tmp_path, 20, "F.F.", TestId("tests/b.py", EVIL)))
    [issue] = github.own_issues
    before, fence, _ = issue["body"].partition("```")
    assert fence
    assert "<script" not in before.replace("\\<", "")
    assert "@everyone" not in issue["title"] + before
    assert "\x1b" not in issue["title"] + issue["body"]
    assert "\n" not in issue["title"]
    assert len(issue["title"]) <= 120


def test_a_flake_of_an_open_ticket_gets_no_issue(tmp_path: Path, github: FakeGitHub) -> None:
    """It fails with ticket 7 alone, which the newest record lists."""
    record = run(tmp_path, 20, "." * 30)
    head = replace(record.probes[0], tree=TREES[1], tickets=(7,), log="logs/21.log")
    run(tmp_path, 21, "F." * 20)
    ticket = replace(PLAIN.tickets[0], number=7)
    save_record(replace(record, probes=(*record.probes, head), tickets=(ticket,)), tmp_path / "days" / "2026-11-20")
    (tmp_path / "days" / "2026-11-21" / "run.json").unlink()
    tell(tmp_path, github, replace(record, tickets=(ticket,)))
    assert github.own_issues == []
    tell(tmp_path, github, replace(record, tickets=()))
    assert len(github.own_issues) == 1


def test_a_label_that_is_not_set_and_a_tracker_without_issues_are_said(tmp_path: Path, github: FakeGitHub) -> None:
    record = run(tmp_path, 20, "F.F.")
    github.may_label = False
    with pytest.raises(RefusedError, match="without the label 'flaky test'"):
        tell(tmp_path, github, record)
    with pytest.raises(UsageError, match=r"flake_label: .* keeps no issues"):
        tell(tmp_path, github, record, kind="file")
    github.may_label = True
    github.denied["POST /issues"] = (410, {"message": "Issues are disabled", "documentation_url": "x"})
    with pytest.raises(RefusedError, match=r"Issues are disabled.*are issues enabled"):
        tell(tmp_path, github, record)


def test_no_more_than_ten_issues_are_opened_at_once(tmp_path: Path, github: FakeGitHub) -> None:
    record = run(tmp_path, 20, "F.F.")
    for number in range(11):
        run(tmp_path, 20, "F.F.", TestId(f"tests/{number}.py", "shaky"))
    tell(tmp_path, github, record)
    assert len(github.own_issues) == 10
    tell(tmp_path, github, record)
    assert len(github.own_issues) == 12
