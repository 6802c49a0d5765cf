"""What the run record says of tickets."""

from __future__ import annotations

from collections.abc import Mapping

from sessions.day.context import Day
from sessions.day.green_head import Progress
from sessions.day.recorded_gates import recorded_tests
from sessions.gates.results import TestId
from sessions.ledger.record import (
    Check,
    RecordedBlocker,
    RecordedBreakage,
    RecordedTestChanges,
    RecordedTicket,
)
from sessions.reporting.reproduction import run_line
from sessions.source.blockers import Blocker
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Breakage, Decision, Ticket, Verdict

# The image that shows what a ticket breaks in a gate, by ticket, gate and tree.
ImageNames = Mapping[tuple[int, str, str], str]


def recorded_ticket(ticket: Ticket, progress: Progress, day: Day, shown: ImageNames) -> RecordedTicket:
    """A ticket, with its verdict and what speaks for it. ``shown`` names the images of what it breaks."""
    decision = progress.line.decisions.get(ticket.number, Decision(verdict=Verdict.NOT_REACHED))
    priorities = [label for label in day.config.tickets.priorities if plain(label) in map(plain, ticket.labels)]
    pinned = {each.number: each.commit for each in progress.line.tickets}
    return RecordedTicket(
        number=ticket.number,
        title=ticket.title,
        url=ticket.url,
        priority=priorities[0] if priorities else "",
        commit=pinned.get(ticket.number, ticket.commit),
        verdict=decision.verdict,
        reason=decision.reason,
        blocked_by=decision.blocked_by,
        conflicts=decision.conflicts,
        broke=tuple(
            _breakage(broke, shown.get((ticket.number, broke.gate, broke.tree), "")) for broke in decision.broke
        ),
        tests=_test_changes(ticket.number, progress),
    )


def _test_changes(number: int, progress: Progress) -> RecordedTestChanges:
    """What a ticket's diff does to the tests of all gates."""
    changes = [each.changes[number] for each in progress.measured.values() if number in each.changes]
    return RecordedTestChanges(
        brings=sum(each.brings for each in changes),
        takes=recorded_tests(test for each in changes for test in each.takes),
        skips=recorded_tests(test for each in changes for test in each.skips),
    )


def recorded_blocker(blocker: Blocker) -> RecordedBlocker:
    """A ticket that keeps several others out."""
    return RecordedBlocker(
        ticket=blocker.ticket,
        would_fit=tuple(blocker.would_fit),
        together=tuple(blocker.together),
        needed_by=tuple(blocker.needed_by),
    )


def _breakage(broke: Breakage, image: str) -> RecordedBreakage:
    return RecordedBreakage(
        gate=broke.gate,
        check=Check.BUILD if broke.is_build else Check.GATE,
        test=TestId.parse(broke.test),
        with_=broke.with_,
        message=broke.message,
        evidence=broke.evidence,
        file=broke.file,
        commit=broke.commit,
        tree=broke.tree,
        command=broke.command,
        image=image,
        reproduce=run_line(image) if image else broke.reproduce,
    )
