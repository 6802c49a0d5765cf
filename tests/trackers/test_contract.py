"""The contract suite, for each tracker that is bundled."""

from __future__ import annotations

import importlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.trackers import TRACKERS
from sessions.tickets.trackers.branches.tracker import BranchList
from sessions.tickets.trackers.file import FileTracker
from sessions.tickets.trackers.forge.token import find_token
from sessions.tickets.trackers.gitea.tracker import GiteaTracker
from sessions.tickets.trackers.github.address import auth_for
from sessions.tickets.trackers.github.tracker import GitHubTracker
from sessions.tickets.trackers.gitlab.tracker import GitLabTracker
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind
from sessions.tickets.trackers.trac.tracker import TracTracker
from tests.trackers import gitea_fake, gitlab_fake
from tests.trackers.contract import FIRST, Forge, ServerContract, TrackerContract, Wire
from tests.trackers.gitea_fake import FakeGitea
from tests.trackers.gitea_fake import Pull as GiteaPull
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import OWNER, TOKEN, VIEWER, FakeGitHub, Pull, serving
from tests.trackers.gitlab_fake import FakeGitLab, Request
from tests.trackers.sockets import Fault
from tests.trackers.trac_server import USERS, Proxy, Trac, environment, proxied, served

READY, WORK = "ready", "needs work"
FAULTS: dict[Wire, Fault] = {
    "busy": Fault(kind="429 with Retry-After"),
    "broken": Fault(kind="500"),
    "cut": Fault(kind="cut", heard=True),
}


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FileForge:
    """A tracker file."""

    path: Path
    rows: list[str] = field(default_factory=list)
    kind: TrackerKind = field(default=TRACKERS["file"])
    page: int = 0
    edits_in_place: bool = True
    secret: str = "none"

    def connect(self, patience: float = 0.0) -> TicketSource:  # noqa: ARG002
        return FileTracker(Tracker(url=str(self.path)))

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        names = ", ".join(f"#{each}" for each in depends)
        values = {"number": number, "title": title, "branch": "t", "commit": commit, "depends": names}
        rows = "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
        self.rows.append(f"[[ticket]]\n{rows}\n")
        self.path.write_text("\n".join(self.rows), encoding="utf-8")

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number)

    def push(self, number: int, commit: str) -> None: ...
    def remove(self, number: int) -> None: ...
    def comment(self, number: int, text: str) -> None: ...
    def fail(self, wire: Wire, at: int) -> None: ...
    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None: ...

    def comments(self, number: int) -> list[str]:
        place = self.path.with_suffix(".told") / f"{number}.md"
        return [place.read_text(encoding="utf-8")] if place.exists() else []

    def is_ready(self, number: int) -> bool:  # noqa: ARG002
        return True

    def is_open(self, number: int) -> bool:
        return not (self.path.with_suffix(".told") / f"{number}.closed").exists()

    def writes(self) -> int:
        return sum(path.stat().st_mtime_ns for path in self.path.with_suffix(".told").iterdir())

    def requests(self) -> int:
        return 0


class TestFile(TrackerContract):
    @pytest.fixture
    def forge(self, tmp_path: Path) -> Forge:
        (tmp_path / "tickets.toml").touch()
        return FileForge(tmp_path / "tickets.toml")


@dataclass
class ListForge(FileForge):
    """A list of branches, and what its repository has."""

    kind: TrackerKind = field(default=TRACKERS["branches"])
    refs: dict[str, str] = field(default_factory=dict)

    def connect(self, patience: float = 0.0) -> TicketSource:  # noqa: ARG002
        surroundings = Surroundings(list_refs=lambda _url: self.refs)
        return BranchList(Tracker(tracker="branches", url=str(self.path)), surroundings)

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        name = title if title != "T" else f"t{number}"
        self.refs[f"refs/heads/t{number}"] = commit
        values = {"number": number, "name": name, "branch": f"t{number}", "depends": [f"t{each}" for each in depends]}
        rows = "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
        self.rows.append(f"[[branch]]\n{rows}\n")
        self.path.write_text("\n".join(self.rows), encoding="utf-8")


class TestBranches(TrackerContract):
    @pytest.fixture
    def forge(self, tmp_path: Path) -> Forge:
        (tmp_path / "branches.toml").touch()
        return ListForge(tmp_path / "branches.toml")


@dataclass
class GitHubForge:
    """The fake GitHub, which holds each request and response against the published contract."""

    github: FakeGitHub
    kind: TrackerKind = field(default=TRACKERS["github"])
    page: int = 100
    edits_in_place: bool = True
    secret: str = TOKEN

    def connect(self, patience: float = 0.0) -> TicketSource:
        config = Tracker(tracker="github", url=self.github.url, ready=(READY,), at_fault=WORK)
        made, clock = GitHubTracker(config, patience), Clock()
        vars(made)["caller"] = Caller(
            "GitHub", auth_for(made.place), patience, pause=1, now=clock.now, sleep=clock.sleep
        )
        return made

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        body = "\n".join(f"Depends on #{each}" for each in depends)
        self.github.add(Pull(number=number, title=title, head=commit, body=body, labels=[READY]))

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number)

    def push(self, number: int, commit: str) -> None:
        self.github.pulls[number].head = commit

    def remove(self, number: int) -> None:
        del self.github.pulls[number]

    def comment(self, number: int, text: str) -> None:
        self.github.comment(number, text, author="jane")

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.github.pulls[number].comments if each["author"] == VIEWER]

    def is_ready(self, number: int) -> bool:
        return READY in self.github.pulls[number].labels

    def is_open(self, number: int) -> bool:
        return self.github.pulls[number].state == "OPEN"

    def writes(self) -> int:
        edits: int = sum(each["edits"] + 1 for pull in self.github.pulls.values() for each in pull.comments)
        return edits + len(self.github.statuses) + sum(pull.state != "OPEN" for pull in self.github.pulls.values())

    def requests(self) -> int:
        return len(self.github.requests)

    def fail(self, wire: Wire, at: int) -> None:
        self.github.faults = {len(self.github.requests) + at: FAULTS[wire]}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GH_TOKEN", "ghp_0ld")


class TestGitHub(ServerContract):
    @pytest.fixture
    def forge(self, contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
        monkeypatch.setenv("GH_TOKEN", TOKEN)
        with serving(FakeGitHub(contract)) as github:
            yield GitHubForge(github)
        assert github.problems == []

    def test_the_address_of_an_origin_is_recognised(self) -> None:
        kind = TRACKERS["github"]
        assert kind.recognise_origin(f"git@github.com:{OWNER}/sage.git") == f"https://github.com/{OWNER}/sage"
        assert kind.recognise_origin("https://example.org/o/n") == ""


@dataclass
class GitLabForge:
    """The fake GitLab, which holds each request and response against GitLab's reference."""

    gitlab: FakeGitLab
    kind: TrackerKind = field(default=TRACKERS["gitlab"])
    page: int = 100
    edits_in_place: bool = True
    secret: str = gitlab_fake.TOKEN

    def connect(self, patience: float = 0.0) -> TicketSource:
        config = Tracker(tracker="gitlab", url=self.gitlab.url, ready=(READY,), at_fault=WORK)
        made, clock = GitLabTracker(config, patience), Clock()
        vars(made)["caller"] = Caller("GitLab", made._access.auth, patience, now=clock.now, sleep=clock.sleep)
        return made

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        text = "\n".join(f"Depends on !{each}" for each in depends)
        self.gitlab.add(Request(number=number, title=title, head=commit, description=text, labels=[READY]))

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.gitlab.add(Request(number=number))  # without a label that would cost requests for each

    def push(self, number: int, commit: str) -> None:
        self.gitlab.found[number].head = commit

    def remove(self, number: int) -> None:
        del self.gitlab.found[number]

    def comment(self, number: int, text: str) -> None:
        self.gitlab.comment(number, text, author="jane")

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.gitlab.found[number].notes if each["author"] == gitlab_fake.VIEWER]

    def is_ready(self, number: int) -> bool:
        return READY in self.gitlab.found[number].labels

    def is_open(self, number: int) -> bool:
        return self.gitlab.found[number].state == "opened"

    def writes(self) -> int:
        requests = self.gitlab.found.values()
        edits: int = sum(each["edits"] + 1 for request in requests for each in request.notes)
        return edits + len(self.gitlab.statuses) + sum(request.state != "opened" for request in requests)

    def requests(self) -> int:
        return len(self.gitlab.requests)

    def fail(self, wire: Wire, at: int) -> None:
        self.gitlab.faults = {len(self.gitlab.requests) + at: FAULTS[wire]}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITLAB_TOKEN", "glpat-0ld")


class TestGitLab(ServerContract):
    @pytest.fixture
    def forge(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
        monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
        with gitlab_fake.serving(FakeGitLab()) as gitlab:
            yield GitLabForge(gitlab)
        assert gitlab.problems == []


@dataclass
class GiteaForge:
    """The fake Forgejo or Gitea, which holds each request and response against the published description."""

    gitea: FakeGitea
    kind: TrackerKind
    page: int = 50
    edits_in_place: bool = True
    secret: str = gitea_fake.TOKEN

    def connect(self, patience: float = 0.0) -> TicketSource:
        config = Tracker(tracker=self.kind.name, url=self.gitea.url, ready=(READY,), at_fault=WORK)
        made, clock = self.kind.connect(config, Surroundings(patience=patience)), Clock()
        assert isinstance(made, GiteaTracker)
        auth = find_token(made.hosts.tokens)
        vars(made)["caller"] = Caller(made.hosts.title, auth, patience, now=clock.now, sleep=clock.sleep)
        return made

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        ahead = tuple((f"{gitea_fake.OWNER}/{gitea_fake.NAME}", each, True, "open") for each in depends)
        self.gitea.add(GiteaPull(number=number, title=title, head=commit, dependencies=ahead, labels=[READY]))

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.gitea.add(GiteaPull(number=number))  # without a label that would cost requests for each

    def push(self, number: int, commit: str) -> None:
        self.gitea.pulls[number].head = commit

    def remove(self, number: int) -> None:
        del self.gitea.pulls[number]

    def comment(self, number: int, text: str) -> None:
        self.gitea.comment(number, text, author="jane")

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.gitea.pulls[number].comments if each["author"] == gitea_fake.VIEWER]

    def is_ready(self, number: int) -> bool:
        return READY in self.gitea.pulls[number].labels

    def is_open(self, number: int) -> bool:
        return self.gitea.pulls[number].state == "open"

    def writes(self) -> int:
        edits: int = sum(each["edits"] + 1 for pull in self.gitea.pulls.values() for each in pull.comments)
        return edits + len(self.gitea.statuses) + sum(pull.state != "open" for pull in self.gitea.pulls.values())

    def requests(self) -> int:
        return len(self.gitea.requests)

    def fail(self, wire: Wire, at: int) -> None:
        self.gitea.faults = {len(self.gitea.requests) + at: FAULTS[wire]}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(self.kind.tokens[0], "0ld")


@contextmanager
def gitea_forge(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    kind = TRACKERS[name]
    monkeypatch.setenv(kind.tokens[0], gitea_fake.TOKEN)
    with gitea_fake.serving(FakeGitea()) as gitea:
        gitea.labels = {READY: False, WORK: False}
        yield GiteaForge(gitea, kind)
    assert gitea.problems == []


class TestForgejo(ServerContract):
    @pytest.fixture
    def forge(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
        with gitea_forge("forgejo", monkeypatch) as forge:
            yield forge


class TestGitea(ServerContract):
    @pytest.fixture
    def forge(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
        with gitea_forge("gitea", monkeypatch) as forge:
            yield forge


_INSERT = (
    "INSERT INTO ticket (id, status, summary, time, changetime, description, milestone, priority) "
    "VALUES (?, 'positive_review', ?, 1, 1, '', '', '')"
)


@dataclass
class TracForge:
    """A real Trac, and a proxy before it."""

    trac: Trac
    proxy: Proxy
    kind: TrackerKind = field(default=TRACKERS["trac"])
    page: int = 100
    edits_in_place: bool = False
    secret: str = USERS["bot"]

    def connect(self, patience: float = 0.0) -> TicketSource:
        settings = Tracker(tracker="trac", url=self.proxy.url, ready=("positive_review",), at_fault="needs_work")
        return TracTracker(settings, patience)

    def _db(self, *statements: tuple[str, list[tuple[Any, ...]]]) -> None:
        with closing(sqlite3.connect(self.trac.folder / "db" / "trac.db")) as db, db:
            for statement, rows in statements:
                db.executemany(statement, rows)

    def _insert(self, number: int, title: str, commit: str, depends: tuple[int, ...]) -> None:
        names = ", ".join(f"#{each}" for each in depends)
        custom = [(number, "branch", f"t{number}"), (number, "commit", commit), (number, "dependencies", names)]
        self._db(
            (
                _INSERT,
                [(number, title)],
            ),
            ("INSERT INTO ticket_custom VALUES (?, ?, ?)", custom),
        )

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        self._insert(number, title, commit, depends)

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number)

    def push(self, number: int, commit: str) -> None:
        self.trac.call("ticket.update", number, "Pushed.", {"commit": commit}, user="jane")

    def remove(self, number: int) -> None:
        self._db(("DELETE FROM ticket WHERE id = ?", [(number,)]))

    def comment(self, number: int, text: str) -> None:
        self.trac.call("ticket.update", number, text, {}, user="jane")

    def comments(self, number: int) -> list[str]:
        return [text for author, text in self.trac.comments(number) if author == "bot"]

    def is_ready(self, number: int) -> bool:
        return self.trac.fields(number)["status"] == "positive_review"

    def is_open(self, number: int) -> bool:
        return self.trac.fields(number)["status"] != "closed"

    def writes(self) -> int:
        return len(self.trac.history())

    def requests(self) -> int:
        return len(self.proxy.methods)

    def fail(self, wire: Wire, at: int) -> None:
        place = len(self.proxy.methods) + at
        answers = {"busy": (429, {"Retry-After": "0"}, b""), "broken": (500, {}, b"oops")}

        def is_now() -> bool:
            return len(self.proxy.methods) - 1 == place

        self.proxy.meddle = lambda _method, _body: answers.get(wire) if is_now() else None
        self.proxy.spoil = lambda _method, body: body[: len(body) // 2] if wire == "cut" and is_now() else body

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRAC_PASSWORD", "0pen")


@pytest.fixture(scope="module")
def empty_trac(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trac]:
    with served(environment(tmp_path_factory.mktemp("trac") / "env")) as trac:
        yield trac


class TestTrac(ServerContract):
    @pytest.fixture
    def forge(self, empty_trac: Trac, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
        with closing(sqlite3.connect(empty_trac.folder / "db" / "trac.db")) as db, db:
            for table in ("ticket", "ticket_custom", "ticket_change"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608
        monkeypatch.setenv("TRAC_USER", "bot")
        monkeypatch.setenv("TRAC_PASSWORD", USERS["bot"])
        with proxied(empty_trac.url) as proxy:
            yield TracForge(empty_trac, proxy)


def test_every_bundled_tracker_is_held_to_the_contract() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.trackers.{path.stem}")
    held = {
        each.__name__.removeprefix("Test").lower()
        for each in (*TrackerContract.__subclasses__(), *ServerContract.__subclasses__())
    }
    assert held >= TRACKERS.keys()
