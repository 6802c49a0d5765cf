"""A tracker in one file: the toy forge, its server, and what it shows without a change anywhere else.

The registry gets one line, here by a fixture; everything else is the border that docs/extending.md describes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import AuthBase

from sessions.main import run_init
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration_file import load_config
from sessions.settings.schema import config_schema
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError, UsageError
from sessions.terminal.harmless_text import harmless
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers import TRACKERS, merge_subjects, recognise_address, request_refs
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind
from tests.registries import registered
from tests.repositories import Builder, run_git
from tests.trackers.contract import FIRST, Forge, ServerContract, Wire
from tests.trackers.sample_day import PAIR_AND_TEXTS, check_day, day_options, days_tickets
from tests.trackers.sockets import Fault, Reply, listening

TOKEN, ME, PAGE = "t0ys3cret", "integrand", 3
Json = dict[str, Any]


# The tracker


class ToyText:
    """The markup of its comments: guillemets quote, and a line that begins with a bar is code."""

    most_details: int | None = 3

    def escape(self, text: object) -> str:
        return f"«{' '.join(harmless(str(text)).split()).replace('»', '')}»"

    def strong(self, text: str) -> str:
        return text.upper()

    def code(self, text: str) -> str:
        return self.escape(text)

    def references(self, numbers: Sequence[int]) -> str:
        return ", ".join(f"toy-{number}" for number in numbers)

    def fence(self, text: str) -> str:
        return "\n".join(f"| {line}" for line in harmless(text).splitlines())


class ToyToken(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {os.environ.get('TOY_TOKEN', '')}"
        return request


class ToyTracker:
    """The tickets of the forge at ``toy://HOST``."""

    def __init__(self, settings: Tracker, surroundings: Surroundings) -> None:
        self._settings, self.url = settings, settings.url
        self._base = f"http://{settings.url.removeprefix('toy://')}"
        self._caller = Caller("Toy", ToyToken(), surroundings.patience)

    def read(self) -> tuple[Ticket, ...]:
        found: list[Ticket] = []
        page: int | None = 0
        while page is not None:
            answer = self._get(f"tickets?page={page}")
            found += [self._ticket(row) for row in answer["tickets"]]
            page = answer["next"]
        return tuple(found)

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        try:
            row = self._get(f"tickets/{account.number}")
        except RefusedError as error:
            return cannot_see(account.number, error)
        moved = account.commit and row["commit"] != account.commit
        note = f"This is about «{account.commit[:10]}».\n" if moved else ""
        text = f"integrand says\n{note}{account.text.strip()}"
        ours = next((each for each in row["comments"] if each["author"] == ME), None)
        planned = []
        if ours is None or ours["text"] != text:
            method, path = ("PUT", f"comments/{ours['id']}") if ours else ("POST", f"tickets/{account.number}/comments")
            change = Change.of(account.number, TicketPart.COMMENT, text)
            planned.append(Planned(change=change, write=partial(self._write, method, path, text=text)))
        if account.is_at_fault and self._settings.at_fault and row["label"] != self._settings.at_fault and not moved:
            change = Change.of(account.number, TicketPart.LABEL, account.commit)
            label = partial(self._write, "PUT", f"tickets/{account.number}/label", text=self._settings.at_fault)
            planned.append(Planned(change=change, write=label))
        return carry_out(planned, refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        row = self._get(f"tickets/{ticket.number}")
        if not row["open"]:
            return WriteResult()
        if row["commit"] != ticket.commit:
            why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
            return cannot_see(ticket.number, RefusedError(why))
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        write = partial(self._write, "PUT", f"tickets/{ticket.number}/closed", text=release)
        return carry_out([Planned(change=change, write=write)], refused_before)

    def _ticket(self, row: Json) -> Ticket:
        return Ticket(
            number=row["number"],
            title=row["title"],
            url=f"{self._base}/{row['number']}",
            labels=(row["label"], *row["labels"]),
            milestone=row["milestone"],
            branch=row["branch"],
            commit=row["commit"],
            depends=tuple(int(each) for each in re.findall(r"\btoy-(\d+)", row["after"])),
            authors=(row["author"],),
        )

    def _get(self, path: str) -> Any:
        return self._checked(self._caller.read("GET", f"{self._base}/{path}"))

    def _write(self, method: str, path: str, **body: str) -> None:
        self._checked(self._caller.write(method, f"{self._base}/{path}", json=body))

    def _checked(self, response: requests.Response) -> Any:
        match response.status_code:
            case 401:
                raise TrackerAccessError("Toy accepts no such token: set TOY_TOKEN.")
            case 404:
                raise RefusedError("Toy has no such ticket any more.")
            case _:
                return self._caller.json(response)


def _is_toy(address: str) -> str:
    return address if address.startswith("toy://") else ""


TOY = TrackerKind(
    name="toy",
    title="Toy",
    noun="a toy forge",
    connect=ToyTracker,
    dialect=ToyText(),
    recognise=_is_toy,
    recognise_origin=_is_toy,
    tokens=("TOY_TOKEN",),
    merge_subjects=(r"Land toy-(\d+)$",),
    merge_trailers=(r"Landed-toy: (\d+)",),
    request_ref="refs/toys/{number}",
    read_by_init=True,
)


# Its server


@dataclass
class ToyForge:
    """The state of the forge, and its socket."""

    kind: TrackerKind = TOY
    page: int = PAGE
    edits_in_place: bool = True
    secret: str = TOKEN
    rows: dict[int, Json] = field(default_factory=dict)
    token: str = TOKEN
    asked: list[str] = field(default_factory=list)
    faults: dict[int, Wire] = field(default_factory=dict)
    changes: int = 0
    url: str = ""

    def connect(self, patience: float = 0.0) -> TicketSource:
        settings = Tracker(tracker="toy", url=self.url, ready=("ready",), at_fault="needs work")
        return ToyTracker(settings, Surroundings(patience=patience))

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        after = " ".join(f"toy-{each}" for each in depends)
        row = {"number": number, "title": title, "commit": commit, "after": after, "branch": f"t{number}"}
        rest = {"label": "ready", "labels": [], "milestone": "", "author": "jane", "open": True, "comments": []}
        self.rows[number] = {**row, **rest}

    def add_many(self, numbers: range) -> None:
        for number in numbers:
            self.add(number)

    def push(self, number: int, commit: str) -> None:
        self.rows[number]["commit"] = commit

    def remove(self, number: int) -> None:
        del self.rows[number]

    def comment(self, number: int, text: str, author: str = "troll") -> None:
        place = 1000 * number + len(self.rows[number]["comments"])
        self.rows[number]["comments"].append({"id": place, "author": author, "text": text})

    def comments(self, number: int) -> list[str]:
        return [each["text"] for each in self.rows[number]["comments"] if each["author"] == ME]

    def is_ready(self, number: int) -> bool:
        return bool(self.rows[number]["label"] == "ready")

    def is_open(self, number: int) -> bool:
        return bool(self.rows[number]["open"])

    def writes(self) -> int:
        return self.changes

    def requests(self) -> int:
        return len(self.asked)

    def fail(self, wire: Wire, at: int) -> None:
        self.faults = {len(self.asked) + at: wire}

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        self.token = "another"

    def answer(self, method: str, path: str, body: Json, token: str | None) -> tuple[int, Any, Wire | None]:
        """Do what a request asks for; its answer, and what goes wrong with that."""
        wire = self.faults.get(len(self.asked))
        self.asked.append(f"{method} {path}")
        if wire in ("busy", "broken"):
            return (429 if wire == "busy" else 500), {}, wire
        if token != f"Bearer {self.token}":
            return 401, {}, None
        return *self._do(method, path, body), wire

    def _do(self, method: str, path: str, body: Json) -> tuple[int, Any]:
        if found := re.fullmatch(r"/tickets\?page=(\d+)", path):
            return 200, self._page(int(found[1]))
        found = re.fullmatch(r"/(tickets|comments)/(\d+)(?:/(comments|label|closed))?", path)
        assert found, path
        number = int(found[2]) if found[1] == "tickets" else int(found[2]) // 1000
        if number not in self.rows:
            return 404, {}
        row = self.rows[number]
        self.changes += method != "GET"
        match method, found[3]:
            case "POST", "comments":
                self.comment(number, body["text"], ME)
            case "PUT", "label":
                row["label"] = body["text"]
            case "PUT", "closed":
                row["open"] = False
            case "PUT", None:
                ours = row["comments"][int(found[2]) % 1000]
                assert ours["author"] == ME
                ours["text"] = body["text"]
            case _:
                pass
        return 200, row

    def _page(self, page: int) -> Json:
        rows = [row for _, row in sorted(self.rows.items()) if row["open"]]
        start, end = page * PAGE, (page + 1) * PAGE
        return {"tickets": rows[start:end], "next": page + 1 if end < len(rows) else None}


@contextmanager
def serving(forge: ToyForge) -> Iterator[ToyForge]:
    def answer(method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[Reply, Fault | None]:
        status, content, wire = forge.answer(method, path, body or {}, headers.get("authorization"))
        return Reply(status=status, content=content), Fault(kind="cut") if wire == "cut" else None

    with listening(answer) as url:
        forge.url = url.replace("http", "toy")
        yield forge


# What it shows


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ToyForge]:
    """The forge, and its line in the registry."""
    monkeypatch.setenv("TOY_TOKEN", TOKEN)
    with registered(TRACKERS, "toy", TOY), serving(ToyForge()) as forge:
        yield forge


class TestToy(ServerContract):
    @pytest.fixture
    def forge(self, toy: ToyForge) -> Forge:
        return toy


def test_it_is_a_choice_of_the_configuration_and_of_its_schema(toy: ToyForge, tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path / "sample")
    day_options(tmp_path, sample, tracker="toy", url=toy.url)
    assert load_config(tmp_path / "integration.toml").tickets[0].tracker == "toy"
    assert "toy" in config_schema()["$defs"]["tracker"]["properties"]["tracker"]["enum"]
    day_options(tmp_path, sample, tracker="toys")
    with pytest.raises(UsageError, match=r"must be one of .*, toy, not .*; did you mean"):
        load_config(tmp_path / "integration.toml")


def test_its_merge_subjects_and_addresses_are_known(toy: ToyForge, builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": "1"}, message="Land toy-4")
    builder.commit({"a": "2"}, message="Land toy-5 later")
    builder.commit({"a": "3"}, message="Later\n\nLanded-toy: 6\n")
    builder.tag("1.0")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    assert ReleaseHistory(mirror.repository, mirror.release("latest")).namings(merge_subjects()).keys() == {4, 6}
    assert "refs/toys/4" in request_refs(4)
    for typed in (toy.url, f"toy:{toy.url}"):
        address = recognise_address(typed)
        assert address
        assert (address.kind, address.url) == (TOY, toy.url)


@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_init_finds_it_by_the_origin_of_a_clone(
    toy: ToyForge, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TOY_TOKEN", token)
    builder.commit({"Makefile": "check:\n"})
    builder.tag("1.0")
    toy.add(2)
    run_git("clone", "--quiet", builder.url, "p", cwd=tmp_path)
    run_git("remote", "set-url", "origin", toy.url, cwd=tmp_path / "p")
    assert run_init((), tmp_path / "p") is None
    text = (tmp_path / "p" / "integration.toml").read_text()
    tickets = load_config(tmp_path / "p" / "integration.toml").tickets[0]
    if token == TOKEN:
        assert (tickets.tracker, tickets.url, tickets.ready) == ("toy", toy.url, ("ready",))
        assert "Toy answers: 1 tickets are open" in text
    else:
        assert (tickets.tracker, tickets.url) == ("file", "tickets.toml")
        assert "Toy could not be asked" in text
        assert f'# tracker = "toy"\n# url = "{toy.url}"' in text


@pytest.mark.slow
def test_the_samples_day(toy: ToyForge, tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path / "sample")
    tickets = days_tickets(sample, *PAIR_AND_TEXTS)
    for each in tickets:
        toy.add(each.number, title=each.title, commit=each.commit, depends=each.depends)
        first, *labels = each.labels or ("",)
        toy.rows[each.number] |= {
            "label": first,
            "labels": labels,
            "milestone": each.milestone,
            "branch": each.branch,
            "author": ", ".join(each.authors),
        }
    options = day_options(tmp_path, sample, tracker="toy", url=toy.url)
    check_day(options, toy.writes, numbers=[each.number for each in tickets])
    [comment] = toy.comments(116)
    assert comment.startswith("integrand says\nCULPRIT with release «")
    assert " together with toy-115: " in comment
    assert "\n| nox -s reproduce -- 116" in comment


def test_an_address_of_no_tracker_is_refused_by_name(toy: ToyForge) -> None:
    del TRACKERS["trac"]
    assert recognise_address("gopher://x") is None
    with pytest.raises(TrackerError, match="Toy"):
        ToyTracker(Tracker(url="toy://127.0.0.1:1"), Surroundings(patience=0)).read()
    assert toy.asked == []
