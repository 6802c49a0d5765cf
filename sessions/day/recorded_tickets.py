"""Make the run record's entries for tickets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sessions.day.context import Day
from sessions.day.fixes import rank_name
from sessions.day.hinted import UsedHint
from sessions.day.progress import Progress
from sessions.day.recorded_gates import recorded_tests
from sessions.gates.results import Kind, TestId
from sessions.ledger.record import (
    CheckKind,
    RecordedBestSet,
    RecordedBlocker,
    RecordedBreakage,
    RecordedHint,
    RecordedLevel,
    RecordedTestChanges,
    RecordedTicket,
)
from sessions.reporting.reproduction import record_address, reproduce_line
from sessions.source.blockers import Blocker
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Breakage, Decision, Ticket, Verdict

if TYPE_CHECKING:
    from sessions.planning.best_line import BestSet


def recorded_ticket(ticket: Ticket, progress: Progress, day: Day) -> RecordedTicket:
    """Return the entry of a ticket: its verdict and the evidence."""
    decision = progress.line.decisions.get(ticket.number, Decision(verdict=Verdict.NOT_REACHED))
    known = day.config.tracker_of(ticket.number).priorities
    priorities = [label for label in known if plain(label) in map(plain, ticket.labels)]
    pinned = next((each for each in progress.line.tickets if each.number == ticket.number), ticket)
    address = record_address(day.config.project.report)
    return RecordedTicket(
        number=ticket.number,
        title=ticket.title,
        url=ticket.url,
        labels=ticket.labels,
        priority=priorities[0] if priorities else "",
        commit=pinned.commit,
        verdict=decision.verdict,
        reason=decision.reason,
        blocked_by=decision.blocked_by,
        conflicts=decision.conflicts,
        broke=tuple(_breakage(ticket.number, broke, address) for broke in decision.broke),
        resolutions=decision.resolutions,
        tests=_test_changes(ticket.number, progress),
        soaks=tuple(each[ticket.number] for each in progress.soaks.values() if ticket.number in each),
        slowdowns=tuple(
            each
            for found in progress.slowdowns.values()
            for each in found
            if each.tickets and each.tickets[0] == ticket.number
        ),
        alternative=decision.alternative,
        origin=pinned.origin,
    )


def _test_changes(number: int, progress: Progress) -> RecordedTestChanges:
    """Return what a ticket's diff does to the tests of all gates."""
    changes = [each.changes[number] for each in progress.measured.values() if number in each.changes]
    return RecordedTestChanges(
        brings=sum(each.brings for each in changes),
        takes=recorded_tests(test for each in changes for test in each.takes),
        skips=recorded_tests(test for each in changes for test in each.skips),
        as_release=recorded_tests(test for each in changes for test in each.as_release),
    )


def recorded_best_set(best: BestSet, priorities: Sequence[str]) -> RecordedBestSet:
    """The set of tickets that was chosen, and how good it is."""
    levels = (
        RecordedLevel(priority=rank_name(level.rank, priorities), count=level.count, at_most=level.bound)
        for level in best.levels
    )
    return RecordedBestSet(
        tickets=best.numbers,
        levels=tuple(levels),
        proven=best.is_proven,
        exact=best.is_exact,
        incompatible=tuple(tuple(sorted(each.tickets)) for each in best.learnt),
    )


def recorded_hint(used: UsedHint) -> RecordedHint:
    """A hint that was used."""
    hint = used.hint
    return RecordedHint(
        effect=hint.effect,
        tickets=used.tickets,
        tests=used.tests,
        owner=hint.owner,
        reason=hint.reason,
        end=hint.end,
    )


def recorded_blocker(blocker: Blocker) -> RecordedBlocker:
    """Return the entry of a ticket that keeps several others out."""
    return RecordedBlocker(
        ticket=blocker.ticket,
        would_fit=tuple(blocker.would_fit),
        together=tuple(blocker.together),
        needed_by=tuple(blocker.needed_by),
    )


def _breakage(number: int, broke: Breakage, address: str) -> RecordedBreakage:
    return RecordedBreakage(
        gate=broke.gate,
        check=CheckKind.BUILD if broke.is_build else CheckKind.GATE,
        test=TestId.parse(broke.test),
        with_=broke.with_,
        message=broke.message,
        evidence=broke.evidence,
        file=broke.file,
        commit=broke.commit,
        tree=broke.tree,
        command=broke.command,
        reproduce=reproduce_line(number, address) if broke.commit else "",
        kind=cast("Kind", broke.kind),
        expected=broke.expected,
    )
