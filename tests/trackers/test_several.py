"""Several trackers of one project at once: GitLab, GitHub and a file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sessions.ledger.record_file import parse_record, save_record
from sessions.main import run_session
from sessions.report import report
from sessions.sample.history import expectations
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration import Config
from sessions.settings.configuration_file import load_config
from sessions.terminal.errors import TrackerError, UsageError
from sessions.terminal.ticket_numbers import add_prefix, name_ticket
from sessions.tickets.trackers import merge_subjects
from sessions.tickets.trackers.configured import ConfiguredTrackers
from sessions.tickets.trackers.github import tracker as github_tracker
from sessions.tickets.trackers.kind import Surroundings
from tests.reporting.big_day import big_day
from tests.repositories import run_git
from tests.trackers import github_fake, gitlab_fake
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import FakeGitHub, Pull
from tests.trackers.gitlab_fake import FakeGitLab, Request
from tests.trackers.sample_day import ROOT, check_day, day_options, days_tickets
from tests.trackers.sockets import Fault

PULL = "https://github.com/sagemath/sage/pull/"
MERGE_REQUEST = f"https://gitlab.example.org/{gitlab_fake.PROJECT}/-/merge_requests/"


@dataclass(frozen=True)
class Desk:
    """A folder with a configuration of three trackers, and what the servers have."""

    folder: Path
    gitlab: FakeGitLab
    github: FakeGitHub

    @property
    def config(self) -> Config:
        return load_config(self.folder / "integration.toml")

    def read(self, patience: float = 0) -> dict[str, tuple[str, ...]]:
        """All tickets, each with what it depends on."""
        tickets = ConfiguredTrackers.connect(
            self.config.tickets, Surroundings(patience=patience, folder=self.folder)
        ).read()
        return {str(each.number): tuple(map(str, each.depends)) for each in tickets}


@pytest.fixture
def desk(contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
    monkeypatch.setenv("GH_TOKEN", github_fake.TOKEN)
    monkeypatch.setattr(github_tracker, "PAUSE", 0.0)
    gitlab, github = FakeGitLab(), FakeGitHub(contract)
    with gitlab_fake.serving(gitlab), github_fake.serving(github):
        text = re.sub(r"(?ms)^\[tickets\].*?(?=^\[engine\])", "", (ROOT / "integration.toml").read_text())
        tables = [{"tracker": "gitlab", "url": gitlab.url}, {"tracker": "github", "url": github.url}]
        tables.append({"tracker": "file", "url": str(tmp_path / "tickets.toml"), "prefix": "ours#"})
        (tmp_path / "integration.toml").write_text(text + "".join(map(table, tables)))
        (tmp_path / "tickets.toml").write_text(f'[[ticket]]\nnumber = 7\ntitle = "T"\ndepends = "{PULL}7"\n')
        yield Desk(tmp_path, gitlab, github)
    assert gitlab.problems == github.problems == []


def table(keys: dict[str, str]) -> str:
    rows = {"milestone": "", "ready": ["s: positive review"], "at_fault": "s: needs work", **keys}
    return "\n[[tickets]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())


def fill(desk: Desk) -> None:
    """The number 7 in each tracker, and dependencies across them."""
    desk.gitlab.add(Request(number=7, description=f"Depends on {PULL}8", labels=["s: positive review"]))
    desk.github.add(Pull(number=7, body=f"Depends on {MERGE_REQUEST}7 and #8"), Pull(number=8))


def test_all_are_read_with_numbers_of_their_own_and_dependencies_by_address(desk: Desk) -> None:
    fill(desk)
    found = {"gl!7": ("gh#8",), "gh#7": ("gh#8", "gl!7"), "gh#8": (), "ours#7": ("gh#7",)}
    assert desk.read() == found
    assert desk.github.tokens == {f"Bearer {github_fake.TOKEN}"}  # GitLab's token went to GitLab alone
    assert [str(each.prefix) for each in desk.config.tickets] == ["gl!", "gh#", "ours#"]


def test_what_a_commit_names_is_a_ticket_of_the_tracker_that_writes_so(desk: Desk) -> None:
    subjects = merge_subjects(desk.config.tickets)
    messages = {
        "gh#7: A title": "gh#7",
        "Merge pull request #7 from jane/x": "gh#7",
        "Merge branch 'x' into 'main'\n\nSee merge request group/sub/project!7": "gl!7",
        "ours#7: A title": "ours#7",
        "Trac #7: A title": "#7",
    }
    assert {message: name_ticket(subjects.number(message)) for message in messages} == messages


@pytest.mark.parametrize("fault", [Fault(kind="500"), Fault(kind="cut", heard=True)])
def test_one_that_is_down_is_named_and_nothing_is_read_by_half(desk: Desk, fault: Fault) -> None:
    fill(desk)
    desk.gitlab.faults = dict.fromkeys(range(100), fault)
    with pytest.raises(TrackerError, match=r"^gl! \(gitlab\): GitLab"):
        desk.read()
    desk.gitlab.faults, desk.github.faults = {}, dict.fromkeys(range(100), fault)
    with pytest.raises(TrackerError, match=r"^gh# \(github\): GitHub"):
        desk.read()


def test_each_ticket_is_told_by_its_own_tracker_and_one_dead_token_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(desk)
    record = json.loads(json.dumps(big_day(3)))
    names = ["gl!7", "gh#7", "ours#7"]
    for ticket, name in zip(record["tickets"], names, strict=True):
        ticket |= {"number": name, "verdict": "culprit", "reason": "it breaks /close and @jane with gh#8", "commit": ""}
        ticket |= {"broke": [], "conflicts": [], "blocked_by": [], "resolutions": []}
    record |= {"order": [], "queue": names, "blockers": [], "date": "2026-11-23", "released": []}
    record["gates"] = {}
    save_record(parse_record(record), desk.folder / ".integrand" / "days" / "2026-11-23")
    words = ("--publish", "--date", "2026-11-23")
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-0ld")
    trouble = run_session(report, "report", words, desk.folder)
    assert trouble is not None
    assert "GitLab" in trouble
    assert [len(pull.comments) for pull in desk.github.pulls.values()] == [1, 0]
    assert not desk.gitlab.found[7].notes
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
    assert run_session(report, "report", words, desk.folder) is None
    assert [len(pull.comments) for pull in desk.github.pulls.values()] == [1, 0]
    [note] = desk.gitlab.found[7].notes
    assert "gh#\u200b8" in note["body"]
    assert (desk.folder / "tickets.told" / "7.md").exists()
    saved = json.loads((desk.folder / ".integrand" / "latest" / "run.json").read_text())
    assert saved["published"]["tickets"] == names
    writes = len(desk.gitlab.writes), len(desk.github.writes)
    assert run_session(report, "report", words, desk.folder) is None
    assert (len(desk.gitlab.writes), len(desk.github.writes)) == writes
    assert "gl!7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prefix": "ours#"}, "two trackers have 'ours#': give one of them a prefix with other letters"),
        ({"prefix": "GL"}, "'GL' must be one to four small letters and ! or #, such as gl!"),
        ({"select": "best"}, "order and select are for all trackers: write them into the first table"),
        ({"token": "X"}, "the file tracker takes none: remove this key"),
        ({"tracker": "gitlab", "url": "https://gitlab.gnome.org/GNOME/gtk"}, "GITLAB_TOKEN would be sent to two"),
    ],
)
def test_a_mistake_in_a_table_is_a_sentence_with_its_line(desk: Desk, change: dict[str, str], message: str) -> None:
    path = desk.folder / "integration.toml"
    path.write_text(path.read_text() + table({"tracker": "file", "url": "more.toml", "prefix": "more#", **change}))
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        load_config(path)
    assert re.search(r"integration\.toml, line \d+: tickets\[3\]\.", str(caught.value))


def test_two_servers_of_one_kind_have_a_token_each(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(desk)
    with gitlab_fake.serving(FakeGitLab()) as other:
        other.add(Request(number=7))
        path = desk.folder / "integration.toml"
        more = {"tracker": "gitlab", "url": other.url, "prefix": "up!", "token": "UPSTREAM_TOKEN"}
        path.write_text(path.read_text() + table(more))
        monkeypatch.setenv("UPSTREAM_TOKEN", gitlab_fake.TOKEN)
        monkeypatch.setenv("GITLAB_TOKEN", "glpat-0ld")
        with pytest.raises(TrackerError, match=r"^gl! \(gitlab\): .*GITLAB_TOKEN"):
            desk.read()
        monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
        assert "up!7" in desk.read()
        monkeypatch.setenv("UPSTREAM_TOKEN", "glpat-0ld")
        with pytest.raises(TrackerError, match=r"^up! \(gitlab\): .*UPSTREAM_TOKEN"):
            desk.read()


# The sample's tickets on GitLab; all others are on GitHub. Some on each side depend on some of the other.
_ON_GITLAB = {101, 102, 103, 104, 107, 108, 111, 114, 115, 119, 120}


@pytest.mark.slow
def test_the_samples_day_split_over_two_trackers(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
    monkeypatch.setenv("GH_TOKEN", github_fake.TOKEN)
    monkeypatch.setattr(github_tracker, "PAUSE", 0.0)
    sample, mirrored = unpack_sample(tmp_path / "sample"), unpack_sample(tmp_path / "on_github")
    with gitlab_fake.serving(FakeGitLab()) as gitlab, github_fake.serving(FakeGitHub(contract)) as github:
        rows = {row["number"]: row for row in tomllib.loads(sample.tickets.read_text())["ticket"]}
        numbers = [each.number for each in days_tickets(sample)]
        for row in (rows[number] for number in numbers):
            number, is_here = row["number"], row["number"] in _ON_GITLAB
            repository = sample.repository if is_here else mirrored.repository
            tip = run_git("rev-parse", "--verify", "-q", f"refs/heads/{row['branch']}", cwd=repository, ok=(0, 1))
            ref = f"refs/merge-requests/{number}/head" if is_here else f"refs/pull/{number}/head"
            if tip:
                run_git("update-ref", ref, tip, cwd=repository)
            needed = [int(digits) for digits in re.findall(r"#(\d+)", row.get("depends", ""))]
            urls = "\n".join(f"- {MERGE_REQUEST if each in _ON_GITLAB else PULL}{each}" for each in needed)
            more = {"title": row["title"], "head": row.get("commit") or tip, "labels": list(row["labels"])}
            more |= {"number": number, "milestone": row.get("milestone")}
            if is_here:
                gitlab.add(Request(**more, description=f"## Dependencies\n{urls}\n", target="develop"))
            else:
                github.add(Pull(**more, body=f"## Dependencies\n{urls}\n"))
        options = day_options(tmp_path, sample)
        text = options.config.read_text()
        head, keys, rest = re.split(r"(?ms)^\[tickets\]\n(.*?)(?=^\[engine\])", text)
        keys = re.sub(r"(?m)^(tracker|url) .*\n", "", keys)
        tables = [
            f'[[tickets]]\ntracker = "gitlab"\nurl = "{gitlab.url}"\n{keys}',
            f'[[tickets]]\ntracker = "github"\nurl = "{github.url}"\nrepository = "{mirrored.repository}"\n{keys}',
        ]
        options.config.write_text(head + "".join(tables) + rest)
        verdicts = {
            add_prefix("gl!" if number in _ON_GITLAB else "gh#", number): str(expectations()[number].verdict)
            for number in numbers
        }
        check_day(options, lambda: len(gitlab.writes) + len(github.writes), verdicts, verdicts)
        assert gitlab.problems == github.problems == []
        assert any(request.notes for request in gitlab.found.values())
        assert any(pull.comments for pull in github.pulls.values())
