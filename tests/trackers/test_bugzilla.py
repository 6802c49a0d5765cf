"""Bugzilla in one file, written by docs/extending.md alone: patches are attachments, and comments are never edited.

The calls are those of https://bugzilla.readthedocs.io/en/latest/api/core/v1/. The registry gets one line, here by a
fixture; nothing else knows of it.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.auth import AuthBase

from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.patch_branches import PatchBranches
from sessions.terminal.errors import RefusedError, TrackerAccessError
from sessions.tickets.dialects.plain import PLAIN_TEXT
from sessions.tickets.model import Account, Ticket
from sessions.tickets.patch_series import PatchSeries, SeriesBranch
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers import TRACKERS, recognise_address
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind
from tests.registries import registered
from tests.repositories import Builder, run_git
from tests.trackers.contract import FIRST, Forge, ServerContract, Wire
from tests.trackers.sockets import Fault, Reply, listening

KEY, ME, PAGE = "bz-s3cret", "integrand@example.org", 3  # each bug costs a request of its own
Json = dict[str, Any]


# The tracker


class BugzillaKey(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-BUGZILLA-API-KEY"] = os.environ.get("BUGZILLA_API_KEY", "")
        return request


class BugzillaTracker:
    """The open bugs of a product, at ``https://HOST/buglist.cgi?product=NAME``, whose attachments are patches."""

    def __init__(self, settings: Tracker, surroundings: Surroundings) -> None:
        self._settings, self._surroundings, self.url = settings, surroundings, settings.url
        self._base = f"{settings.url.partition('/buglist.cgi')[0]}/rest"
        self._product = parse_qs(urlsplit(settings.url).query)["product"][0]
        self._caller = Caller("Bugzilla", BugzillaKey(), surroundings.patience)

    def read(self) -> tuple[Ticket, ...]:
        bugs: list[Json] = []
        while True:
            query = {"product": self._product, "resolution": "---", "order": "bug_id", "limit": PAGE}
            page = self._get("bug", **query, offset=len(bugs))["bugs"]
            bugs += page
            if len(page) < PAGE:
                return tuple(self._ticket(bug) for bug in bugs)

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        number = account.number
        try:
            bug = self._get(f"bug/{number}")["bugs"][0]
            comments = self._get(f"bug/{number}/comment")["bugs"][str(number)]["comments"]
        except RefusedError as error:
            return cannot_see(number, error)
        is_current = self._patches(number)[1] == account.commit or not account.commit
        note = "" if is_current else f"There are newer patches: this is about {account.commit}.\n\n"
        text = f"{note}{account.text.strip()}"
        planned = []
        if next((each["text"] for each in reversed(comments) if each["creator"] == ME), "") != text:
            change = Change.of(number, TicketPart.COMMENT, text)
            write = partial(self._write, "POST", f"bug/{number}/comment", comment=text)
            planned.append(Planned(change=change, write=write))
        word = self._settings.at_fault
        if account.is_at_fault and word and is_current and word not in bug["keywords"]:
            change = Change.of(number, TicketPart.LABEL, account.commit)
            keywords = {"add": [word], "remove": list(self._settings.ready)}
            write = partial(self._write, "PUT", f"bug/{number}", keywords=keywords)
            planned.append(Planned(change=change, write=write))
        return carry_out(planned, refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        bug = self._get(f"bug/{ticket.number}")["bugs"][0]
        if bug["resolution"]:
            return WriteResult()
        if self._patches(ticket.number)[1] != ticket.commit:
            why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
            return cannot_see(ticket.number, RefusedError(why))
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        write = partial(self._write, "PUT", f"bug/{ticket.number}", status="RESOLVED", resolution="FIXED")
        return carry_out([Planned(change=change, write=write)], refused_before)

    def _ticket(self, bug: Json) -> Ticket:
        branch, commit = self._patches(bug["id"])
        return Ticket(
            number=bug["id"],
            title=bug["summary"],
            url=f"{self._base.removesuffix('/rest')}/show_bug.cgi?id={bug['id']}",
            labels=(bug["status"], *bug["keywords"]),
            milestone=bug["target_milestone"].replace("---", ""),
            branch=branch.branch,
            repository=branch.repository,
            commit=commit,
            depends=tuple(bug["depends_on"]),
            authors=(bug["creator"],),
            held=branch.fault,
        )

    def _patches(self, number: int) -> tuple[SeriesBranch, str]:
        """The branch that the bug's patches make, and its commit."""
        found = self._get(f"bug/{number}/attachment")["bugs"][str(number)]
        raw = [base64.b64decode(each["data"]) for each in found if each["is_patch"] and not each["is_obsolete"]]
        if not raw:
            return SeriesBranch(fault="it has no patch"), ""
        series = PatchSeries(number=number, patches=tuple(raw), trailers=((),) * len(raw))
        branch = self._surroundings.apply_patches(series)
        return branch, branch.commit

    def _get(self, path: str, **params: object) -> Any:
        return self._checked(self._caller.read("GET", f"{self._base}/{path}", params=params))

    def _write(self, method: str, path: str, **body: object) -> None:
        self._checked(self._caller.write(method, f"{self._base}/{path}", json=body))

    def _checked(self, response: requests.Response) -> Any:
        match response.status_code:
            case 400 | 401:
                raise TrackerAccessError("Bugzilla accepts no such key: set BUGZILLA_API_KEY.")
            case 404:
                raise RefusedError("Bugzilla has no such bug any more.")
            case _:
                return self._caller.json(response)


def _is_bugzilla(address: str) -> str:
    return address if "/buglist.cgi?product=" in address else ""


BUGZILLA = TrackerKind(
    name="bugzilla",
    title="Bugzilla",
    noun="a product in Bugzilla",
    connect=BugzillaTracker,
    dialect=PLAIN_TEXT,
    recognise=_is_bugzilla,
    tokens=("BUGZILLA_API_KEY",),
    merge_subjects=(r"Bug (\d+) - ",),
    tickets="bugs",
)


# Its server


@dataclass
class FakeBugzilla:
    """The state of a Bugzilla, its socket, and what its users do."""

    kind: TrackerKind = BUGZILLA
    page: int = PAGE
    edits_in_place: bool = False
    secret: str = KEY
    bugs: dict[int, Json] = field(default_factory=dict)
    patches: dict[int, list[Json]] = field(default_factory=dict)
    texts: dict[int, list[Json]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    faults: dict[int, Wire] = field(default_factory=dict)
    key: str = KEY
    changes: int = 0
    base: str = ""
    surroundings: Surroundings | None = None

    @property
    def url(self) -> str:
        return f"{self.base}/buglist.cgi?product=Tools"

    def connect(self, patience: float = 0.0) -> TicketSource:
        def applied(series: PatchSeries) -> SeriesBranch:
            return SeriesBranch(commit=series.patches[0].decode(), branch="b", repository="r")

        settings = Tracker(tracker="bugzilla", url=self.url, ready=("checkin-needed",), at_fault="needs-work")
        surroundings = self.surroundings or Surroundings(patience=patience, apply_patches=applied)
        return BugzillaTracker(settings, surroundings)

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        self.bugs[number] = {
            "id": number,
            "summary": title,
            "status": "ASSIGNED",
            "resolution": "",
            "keywords": ["checkin-needed"],
            "target_milestone": "---",
            "depends_on": list(depends),
            "creator": "jane@example.org",
        }
        self.texts[number] = []
        self.attach(number, commit.encode())

    def attach(self, number: int, *patches: bytes) -> None:
        self.patches[number] = [
            {"data": base64.b64encode(each).decode(), "is_patch": 1, "is_obsolete": 0} for each in patches
        ]

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number)

    def push(self, number: int, commit: str) -> None:
        self.attach(number, commit.encode())

    def remove(self, number: int) -> None:
        del self.bugs[number]

    def comment(self, number: int, text: str, author: str = "troll@example.org") -> None:
        self.texts[number].append({"creator": author, "text": text})

    def comments(self, number: int) -> list[str]:
        return [each["text"] for each in self.texts[number] if each["creator"] == ME]

    def is_ready(self, number: int) -> bool:
        return "checkin-needed" in self.bugs[number]["keywords"]

    def is_open(self, number: int) -> bool:
        return not self.bugs[number]["resolution"]

    def writes(self) -> int:
        return self.changes

    def requests(self) -> int:
        return len(self.calls)

    def fail(self, wire: Wire, at: int) -> None:
        self.faults = {len(self.calls) + at: wire}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        self.key = "another"

    def answer(self, method: str, path: str, body: Json, key: str | None) -> tuple[int, Any, Wire | None]:
        wire = self.faults.get(len(self.calls))
        self.calls.append(f"{method} {path}")
        if wire in ("busy", "broken"):
            return (429 if wire == "busy" else 500), {}, wire
        if key != self.key:
            return 400, {"error": True, "code": 306, "message": "The API key you specified is invalid."}, None
        return *self._do(method, urlsplit(path), body), wire

    def _do(self, method: str, place: Any, body: Json) -> tuple[int, Any]:
        if place.path == "/rest/bug":
            query = parse_qs(place.query)
            start, limit = int(query["offset"][0]), int(query["limit"][0])
            open_ = [bug for _, bug in sorted(self.bugs.items()) if not bug["resolution"]]
            return 200, {"bugs": open_[start : start + limit]}
        found = re.fullmatch(r"/rest/bug/(\d+)(?:/(comment|attachment))?", place.path)
        assert found, place
        number = int(found[1])
        if number not in self.bugs:
            return 404, {"error": True, "code": 101, "message": f"Bug #{number} does not exist."}
        self.changes += method != "GET"
        match method, found[2]:
            case "POST", "comment":
                self.comment(number, body["comment"], ME)
                return 201, {"id": 1}
            case "GET", "comment":
                return 200, {"bugs": {str(number): {"comments": self.texts[number]}}, "comments": {}}
            case "GET", "attachment":
                return 200, {"bugs": {str(number): self.patches[number]}, "attachments": {}}
            case "PUT", None:
                words = body.pop("keywords", {})
                kept = [each for each in self.bugs[number]["keywords"] if each not in words.get("remove", ())]
                self.bugs[number] |= {**body, "keywords": [*kept, *words.get("add", ())]}
            case _:
                pass
        return 200, {"bugs": [self.bugs[number]]}


@contextmanager
def serving_bugzilla(bugzilla: FakeBugzilla) -> Iterator[FakeBugzilla]:
    def answer(method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[Reply, Fault | None]:
        status, content, wire = bugzilla.answer(method, path, body or {}, headers.get("x-bugzilla-api-key"))
        return Reply(status=status, content=content), Fault(kind="cut") if wire == "cut" else None

    with listening(answer) as bugzilla.base:
        yield bugzilla


# What it shows


@pytest.fixture
def bugzilla(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBugzilla]:
    """The server, and its line in the registry before Trac's, which takes any address."""
    monkeypatch.setenv("BUGZILLA_API_KEY", KEY)
    with registered(TRACKERS, "bugzilla", BUGZILLA), serving_bugzilla(FakeBugzilla()) as server:
        yield server


class TestBugzilla(ServerContract):
    @pytest.fixture
    def forge(self, bugzilla: FakeBugzilla) -> Forge:
        return bugzilla


def test_its_patches_become_branches(bugzilla: FakeBugzilla, builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.commit({"a": "2\n"}, "1.0", branch="fix", message="Count")
    builder.commit({"b": "1\n"}, "fix", branch="fix", message="Count more")
    words = ("format-patch", "--stdout", "-1")
    bugzilla.add(7)
    bugzilla.attach(7, *(run_git(*words, each, cwd=builder.path).encode() + b"\n" for each in ("fix~1", "fix")))
    bugzilla.add(8)
    bugzilla.attach(8)
    mirror = Mirror.of(builder.url, tmp_path / "state")
    branches = PatchBranches(mirror=mirror, release=mirror.release("latest"))
    bugzilla.surroundings = Surroundings(patience=0, apply_patches=branches.apply)
    seven, eight = bugzilla.connect().read()
    assert (seven.held, eight.held) == ("", "it has no patch")
    assert mirror.fetch_branches({7: seven.branch}, {7: seven.repository}).tips == {7: seven.commit}
    assert (
        run_git("log", "--format=%s", f"{seven.commit}~2..{seven.commit}", cwd=mirror.repository.path)
        == "Count more\nCount"
    )
    tree = run_git("rev-parse", f"{seven.commit}^{{tree}}", cwd=mirror.repository.path)
    assert tree == run_git("rev-parse", "fix^{tree}", cwd=builder.path)


def test_its_address_is_recognised(bugzilla: FakeBugzilla) -> None:
    found = recognise_address(bugzilla.url)
    assert found
    assert (found.kind, found.url) == (BUGZILLA, bugzilla.url)
