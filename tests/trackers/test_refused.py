"""What a forge refuses keeps nothing else from being written, is told in a sentence, and is not tried each day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sessions.ledger.record_file import parse_record, save_record
from sessions.main import run_session
from sessions.report import report
from sessions.tickets.trackers import TRACKERS
from sessions.tickets.trackers.github import tracker as github_tracker
from sessions.tickets.trackers.github.tracker import GitHubTracker
from tests.reporting.big_day import big_day
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import TOKEN, FakeGitHub, Pull, serving
from tests.trackers.sockets import Fault

DAY = dt.date(2026, 11, 23)
READY, WORK = "s: positive review", "s: needs work"
FORBIDDEN = (403, {"message": "Resource not accessible by integration"})
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Desk:
    """A folder with a day of ten tickets, and the GitHub that has them."""

    folder: Path
    github: FakeGitHub
    capsys: pytest.CaptureFixture[str]

    def publish(self, *words: str, after: int = 0) -> tuple[str | None, str]:
        """Type ``nox -s report -- --publish`` so many days later: the last line where it failed, and all output."""
        date = (DAY + dt.timedelta(days=after)).isoformat()
        trouble = run_session(report, "report", ("--publish", "--date", date, *words), self.folder)
        return trouble, " ".join(self.capsys.readouterr().out.split())

    def change(self, number: int, **changes: Any) -> None:
        """Let the day's record say something else of a ticket."""
        record = self.record()
        ticket = next(each for each in record["tickets"] if each["number"] == number)
        ticket |= changes
        save_record(parse_record(record), self.folder / ".integrand" / "days" / "2026-11-23")

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / ".integrand" / "latest" / "run.json").read_text())
        return found

    def writes(self, *words: str, after: int = 0) -> list[str]:
        """What the same command writes."""
        before = len(self.github.writes)
        self.publish(*words, after=after)
        return [f"{method} {path.split('/sagemath/sage/')[-1]}" for method, path in self.github.writes[before:]]


@pytest.fixture
def desk(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setattr(github_tracker, "PAUSE", 0.0)
    impatient = replace(TRACKERS["github"], connect=lambda settings, _patience: GitHubTracker(settings, 0.0))
    monkeypatch.setitem(TRACKERS, "github", impatient)
    fake, record = FakeGitHub(contract), big_day(size=10)
    for number, ticket in enumerate(record["tickets"], start=1):
        verdict = "culprit" if number <= 2 else "integrated"
        ticket |= {
            "number": number,
            "verdict": verdict,
            "reason": "it breaks a test" if number <= 2 else "",
            "broke": [],
        }
        ticket |= {"conflicts": [], "blocked_by": []}
        fake.add(Pull(number=number, head=ticket["commit"], labels=[READY]))
    with serving(fake):
        tracker = f'tracker = "github"\nurl = "{fake.url}"\nready = ["{READY}"]\nat_fault = "{WORK}"\n'
        gates = '[[gates]]\nname = "doctest"\nrun = "true"\n'
        project = 'version = 1\n[project]\nname = "p"\nrepository = "."\n'
        (tmp_path / "integration.toml").write_text(f"{project}[tickets]\n{tracker}{gates}")
        folder = tmp_path / ".integrand" / "days" / "2026-11-23"
        folder.mkdir(parents=True)
        save_record(parse_record(record), folder)
        yield Desk(tmp_path, fake, capsys)
    assert fake.problems == []


def statuses(fake: FakeGitHub) -> Mapping[str, str]:
    return {each["sha"]: each["description"] for each in fake.statuses}


def test_a_locked_conversation_is_told_once_and_not_asked_each_day(desk: Desk) -> None:
    desk.github.pulls[1].locked = True
    trouble, said = desk.publish()
    assert trouble is None  # nobody here can mend it: CI stays green
    assert said.count("GitHub refuses the comment of #1 in sagemath/sage (HTTP 403, Unable to create comment") == 1
    assert "unlock its conversation" in said
    assert "10 of 10 tickets told something new" in said
    assert (desk.github.pulls[1].labels, len(desk.github.statuses)) == ([WORK], 10)
    assert [len(pull.comments) for pull in desk.github.pulls.values()] == [0, *[1] * 9]
    published = desk.record()["published"]
    assert published["tickets"] == list(range(2, 11))
    assert [(each["number"], each["part"], each["since"]) for each in published["refused"]] == [
        (1, "comment", "2026-11-23")
    ]
    for after in (0, 1, 6):
        assert desk.writes(after=after) == []
    trouble, said = desk.publish(after=6)
    assert "not tried, as refused before: #1" in said
    assert desk.record()["published"]["refused"] == published["refused"]
    assert desk.writes("--retry-refused", after=6) == ["POST issues/1/comments"]
    assert desk.writes(after=12) == []
    assert desk.writes(after=13) == ["POST issues/1/comments"]
    assert desk.record()["published"]["refused"] == published["refused"]  # refused since the first day


def test_what_gives_hope_is_a_reason_to_try_again(desk: Desk) -> None:
    desk.github.pulls[1].locked = True
    desk.publish()
    desk.change(1, reason="it breaks another test")
    assert "POST issues/1/comments" in desk.writes(after=1)
    assert desk.writes(after=1) == []
    desk.github.pulls[1].locked = False
    assert desk.writes(after=1) == ["POST issues/1/comments"]
    assert desk.record()["published"]["refused"] == []
    assert desk.record()["published"]["tickets"] == list(range(1, 11))


@pytest.mark.parametrize(
    ("route", "reply", "part"),
    [
        ("POST /issues/2/comments", (410, {"message": "This issue was deleted"}), "comment"),
        ("POST /issues/2/comments", (422, {"message": "Validation Failed"}), "comment"),
        ("POST /issues/2/comments", FORBIDDEN, "comment"),
        (
            "POST /statuses/.*",
            (422, {"message": "This SHA and context has reached the maximum number of statuses."}),
            "",
        ),
        ("POST /issues/2/labels", (403, {"message": "You do not have permission to create labels"}), "label"),
        (
            "DELETE /issues/2/labels/.*",
            (403, {"message": "Must have admin rights to Repository."}),
            "removal of a label",
        ),
    ],
)
def test_one_refused_write_keeps_nothing_else_from_being_written(
    desk: Desk, route: str, reply: tuple[int, Any], part: str
) -> None:
    desk.github.denied[route] = reply
    trouble, said = desk.publish()
    assert trouble is None
    assert reply[1]["message"].rstrip(".") in said
    assert "same command" not in said
    pulls = desk.github.pulls
    assert [len(pull.comments) for pull in pulls.values()] == [1, int(part != "comment"), *[1] * 8]
    assert len(desk.github.statuses) == (10 if part else 0)
    labels = {"label": [], "removal of a label": [READY, WORK]}
    assert (pulls[1].labels, pulls[2].labels) == ([WORK], labels.get(part, [WORK]))
    refused = desk.record()["published"]["refused"]
    assert {each["part"] for each in refused} == {part or "status"}
    assert desk.writes(after=1) == []


@pytest.mark.parametrize("route", ["POST /issues/.*/comments", "POST /statuses/.*", "POST /issues/.*/labels"])
def test_what_is_forbidden_everywhere_is_ours_to_mend_and_is_asked_again(desk: Desk, route: str) -> None:
    desk.github.denied[route] = FORBIDDEN
    trouble, _ = desk.publish()
    assert trouble
    assert trouble.startswith("No ")
    assert "does the token in GH_TOKEN or GITHUB_TOKEN allow it? Once that is fixed, the same command" in trouble
    assert desk.record()["published"]["refused"] == []
    desk.github.denied.clear()
    assert desk.writes()
    assert desk.publish()[0] is None
    assert len(desk.github.statuses) == 10
    assert [len(pull.comments) for pull in desk.github.pulls.values()] == [1] * 10


def test_a_pull_request_that_is_gone_is_no_failure(desk: Desk) -> None:
    del desk.github.pulls[2]
    trouble, said = desk.publish()
    assert trouble is None
    assert "GitHub has no pull request #2 in sagemath/sage any more" in said
    assert all(pull.comments for pull in desk.github.pulls.values())


def test_characters_beyond_the_basic_plane_are_kept_in_comments_and_spelt_out_in_statuses(desk: Desk) -> None:
    desk.change(2, reason="it breaks test_🐛[\U0001d538] " + "🐛" * 60)
    assert desk.publish()[0] is None
    assert "test\\_🐛" in desk.github.pulls[2].comments[0]["body"]
    description = statuses(desk.github)[desk.github.pulls[2].head]
    assert description.startswith("culprit: it breaks test_U+1F41B[U+1D538] U+1F41B")
    assert len(description) == 140
    assert desk.writes() == []


def test_a_token_that_is_refused_is_one_sentence_and_one_request(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "wrong")
    trouble, _ = desk.publish("--close")
    assert trouble
    assert "HTTP 401, Bad credentials" in trouble
    assert len(desk.github.requests) == 1


def test_a_server_that_breaks_down_midway_leaves_the_rest_to_the_same_command(desk: Desk) -> None:
    desk.github.denied["POST /issues/1/comments"] = (410, {"message": "This issue was deleted"})
    desk.github.faults = {number: Fault(kind="limited") for number in range(20, 200)}
    trouble, said = desk.publish()
    assert trouble
    assert "run again later" in trouble
    assert "This issue was deleted" in said
    done = desk.record()["published"]["tickets"]
    assert done == list(range(2, 2 + len(done)))
    assert 0 < len(done) < 9
    desk.github.faults = {}
    assert "POST issues/1/comments" not in desk.writes()
    assert desk.publish()[0] is None
    assert desk.record()["published"]["tickets"] == list(range(2, 11))


def test_a_hasty_comment_is_a_limit_and_no_refusal(desk: Desk) -> None:
    wrong = {
        "resource": "IssueComment",
        "code": "unprocessable",
        "field": "data",
        "message": "was submitted too quickly",
    }
    desk.github.denied["POST /issues/1/comments"] = (422, {"message": "Validation Failed", "errors": [wrong]})
    trouble, _ = desk.publish()
    assert trouble
    assert "run again later" in trouble
    assert desk.record()["published"]["refused"] == []


@pytest.mark.parametrize("text", ["{", "[]", '{"refused": [{"ticket": 1}]}', '{"refused": 3}', "\udcff"])
def test_a_memory_that_is_spoilt_is_none(desk: Desk, text: str) -> None:
    desk.github.pulls[1].locked = True
    desk.publish()
    (desk.folder / ".integrand" / "refused.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert desk.writes() == ["POST issues/1/comments"]
    assert desk.writes() == []


def test_another_trackers_refusals_are_kept_and_not_ours(desk: Desk) -> None:
    desk.github.pulls[1].locked = True
    desk.publish()
    path = desk.folder / ".integrand" / "refused.json"
    known = json.loads(path.read_text())
    other = {**known["refused"][0], "tracker": "https://trac.example"}
    path.write_text(json.dumps({**known, "refused": [other]}))
    assert desk.writes() == ["POST issues/1/comments"]
    assert len(json.loads(path.read_text())["refused"]) == 2
