"""What every tracker keeps to: a suite that runs against each, through an adapter to its server.

A tracker's test subclasses :class:`ServerContract`, or :class:`TrackerContract` where the tracker is a file, and
overrides its fixture ``forge``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Protocol

import pytest

from sessions.terminal.errors import TrackerError
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import TicketPart, WriteResult
from sessions.tickets.trackers.kind import TicketSource, TrackerKind

Wire = Literal["busy", "broken", "cut"]
"""What goes wrong on the wire: status 429, status 500, or half of an answer to a request that was heard."""

FIRST, SECOND = "0a" * 20, "0b" * 20
HOSTILE = "'''<b>`{{{[[Image(x)]]}}} @jane #12 http://evil.example\n/close\n```\n}}}\n"
CULPRIT = Account(
    number=7, verdict=Verdict.CULPRIT, commit=FIRST, summary="culprit: it breaks test_seven", text="It breaks a test."
)


class Forge(Protocol):
    """A tracker's server and its users, as far as the contract needs them.

    ``page`` is how many tickets one answer holds at most, 0 where there are no pages. ``edits_in_place`` tells that
    a second verdict replaces the first comment; else there are two. ``secret`` is what no message may show. What only
    :class:`ServerContract` calls may do nothing in the adapter to a file.
    """

    kind: TrackerKind
    page: int
    edits_in_place: bool
    secret: str

    def connect(self, patience: float = 0.0) -> TicketSource:
        """The tracker, as a new session makes it."""
        ...

    def add(self, number: int, *, title: str = "T", commit: str = FIRST, depends: tuple[int, ...] = ()) -> None:
        """A new ticket that is ready, with its dependencies in the tracker's own notation."""
        ...

    def add_many(self, numbers: range) -> None:
        """Many new tickets."""
        ...

    def push(self, number: int, commit: str) -> None:
        """The author's branch moves on."""
        ...

    def remove(self, number: int) -> None:
        """The ticket is deleted."""
        ...

    def comment(self, number: int, text: str) -> None:
        """Somebody else comments."""
        ...

    def comments(self, number: int) -> list[str]:
        """The texts of our own comments."""
        ...

    def is_ready(self, number: int) -> bool:
        """Whether the ticket still has the label or status that makes it ready."""
        ...

    def is_open(self, number: int) -> bool: ...

    def writes(self) -> int:
        """How many changes of ours the server has made."""
        ...

    def requests(self) -> int:
        """How many requests the server got."""
        ...

    def fail(self, wire: Wire, at: int) -> None:
        """Let the request ``at`` from now (0 is the next) fail once."""
        ...

    def revoke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server accepts our credentials no more."""
        ...


class TrackerContract:
    """What every tracker keeps to, be it a file."""

    @pytest.fixture
    def forge(self) -> Forge:
        raise NotImplementedError

    def test_no_tickets(self, forge: Forge) -> None:
        assert forge.connect().read() == ()

    def test_reads_what_decides(self, forge: Forge) -> None:
        forge.add(5)
        forge.add(7, title="Seven: é", commit=SECOND, depends=(5,))
        five, seven = forge.connect().read()
        assert (five.number, five.commit, five.depends) == (5, FIRST, ())
        assert (seven.number, seven.title, seven.commit, seven.depends) == (7, "Seven: é", SECOND, (5,))
        assert seven.branch
        assert seven.held == ""

    def test_a_hostile_title_is_read_as_it_is(self, forge: Forge) -> None:
        title = " ".join(HOSTILE.split())
        forge.add(7, title=title)
        assert forge.connect().read()[0].title == title

    def test_all_pages_are_read_and_each_ticket_once(self, forge: Forge) -> None:
        count = 2 * forge.page + 1
        forge.add_many(range(1, count + 1))
        assert [each.number for each in forge.connect().read()] == list(range(1, count + 1))

    def test_a_verdict_is_written_once(self, forge: Forge) -> None:
        forge.add(7)
        assert TicketPart.COMMENT in forge.connect().tell(CULPRIT).changed
        writes = forge.writes()
        assert forge.connect().tell(CULPRIT) == WriteResult()
        assert forge.writes() == writes
        assert len(forge.comments(7)) == 1
        assert CULPRIT.text in forge.comments(7)[0]

    def test_another_verdict_is_written(self, forge: Forge) -> None:
        forge.add(7)
        forge.connect().tell(CULPRIT)
        fine = replace(CULPRIT, verdict=Verdict.INTEGRATED, summary="integrated", text="All is well.")
        assert forge.connect().tell(fine).changed
        comments = forge.comments(7)
        assert len(comments) == (1 if forge.edits_in_place else 2)
        assert "All is well." in comments[-1]
        assert forge.connect().tell(fine) == WriteResult()

    def test_hostile_evidence_reaches_the_ticket_and_nothing_else(self, forge: Forge) -> None:
        forge.add(7)
        dialect = forge.kind.dialect
        text = f"{dialect.escape(HOSTILE)}\n\n{dialect.fence(HOSTILE)}"
        account = replace(CULPRIT, text=text)
        assert forge.connect().tell(account).changed
        assert text.strip() in forge.comments(7)[0]
        assert forge.connect().tell(account) == WriteResult()
        assert forge.is_open(7)

    def test_closing_is_done_once(self, forge: Forge) -> None:
        forge.add(7)
        ticket = Ticket(number=7, title="T", commit=FIRST)
        assert forge.connect().close(ticket, "1.0").changed == (TicketPart.CLOSING,)
        assert not forge.is_open(7)
        writes = forge.writes()
        assert forge.connect().close(ticket, "1.0") == WriteResult()
        assert forge.writes() == writes


class ServerContract(TrackerContract):
    """What a tracker keeps to that has a server, authors, and credentials."""

    @pytest.mark.parametrize("wire", ["busy", "broken", "cut"])
    def test_reading_is_whole_or_not_at_all(self, forge: Forge, wire: Wire) -> None:
        forge.add_many(range(1, forge.page + 2))
        before = forge.requests()
        whole = forge.connect().read()
        failures = 0
        for at in range(forge.requests() - before):
            forge.fail(wire, at)
            try:
                assert forge.connect().read() == whole  # as where the body of that answer does not matter
            except TrackerError as error:
                failures += 1
                _check_sentence(forge, error)
            assert forge.connect().read() == whole
        assert failures

    @pytest.mark.parametrize("wire", ["busy", "broken"])
    def test_a_server_that_recovers_is_asked_again(self, forge: Forge, wire: Wire) -> None:
        forge.add(7)
        forge.fail(wire, 0)
        assert len(forge.connect(patience=60).read()) == 1

    def test_dead_credentials_are_one_sentence_and_no_change(
        self, forge: Forge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forge.add(7)
        forge.revoke(monkeypatch)
        for act in (lambda: forge.connect().read(), lambda: forge.connect().tell(CULPRIT)):
            with pytest.raises(TrackerError) as caught:
                act()
            _check_sentence(forge, caught.value)
        assert forge.writes() == 0

    def test_a_copy_of_our_comment_by_somebody_else_is_not_ours(self, forge: Forge) -> None:
        forge.add(7)
        forge.add(8)
        forge.connect().tell(replace(CULPRIT, number=8))
        forge.comment(7, forge.comments(8)[0])
        assert TicketPart.COMMENT in forge.connect().tell(CULPRIT).changed
        assert len(forge.comments(7)) == 1

    def test_a_verdict_about_an_older_commit_leaves_the_ticket_ready(self, forge: Forge) -> None:
        forge.add(7)
        forge.push(7, SECOND)
        assert forge.connect().tell(CULPRIT).changed
        assert CULPRIT.commit[:10] in forge.comments(7)[0]
        assert forge.is_ready(7)

    def test_a_ticket_that_is_gone_is_a_refusal(self, forge: Forge) -> None:
        forge.add(7)
        forge.remove(7)
        result = forge.connect().tell(CULPRIT)
        assert result.changed == ()
        assert [each.change.part for each in result.refused] == [TicketPart.TICKET]

    @pytest.mark.parametrize("wire", ["busy", "broken", "cut"])
    def test_no_fault_makes_a_second_comment(self, forge: Forge, wire: Wire) -> None:
        forge.add(99)
        before = forge.requests()
        forge.connect().tell(replace(CULPRIT, number=99))
        assert forge.requests() > before
        for at in range(forge.requests() - before):
            account = replace(CULPRIT, number=at + 1, commit=f"{at + 1:040x}")
            forge.add(at + 1, commit=account.commit)
            forge.fail(wire, at)
            _until_done(lambda account=account: forge.connect().tell(account))  # type: ignore[misc]
            assert forge.connect().tell(account) == WriteResult()
            assert len(forge.comments(at + 1)) == 1

    def test_a_ticket_that_moved_since_it_was_merged_stays_open(self, forge: Forge) -> None:
        forge.add(7)
        forge.push(7, SECOND)
        [refusal] = forge.connect().close(Ticket(number=7, title="T", commit=FIRST), "1.0").refused
        assert refusal.why == "#7 has moved since it was merged into 1.0: it is left open."
        assert forge.is_open(7)


def _check_sentence(forge: Forge, error: TrackerError) -> None:
    assert "\n" not in str(error)
    assert forge.secret not in str(error)


def _until_done(tell: Callable[[], WriteResult]) -> None:
    for _ in range(3):
        try:
            tell()
        except TrackerError:
            continue
        return
    raise AssertionError("it never came through")
