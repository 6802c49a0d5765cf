"""Find merged tickets that keep several others out. The day's conflicts name candidates; trial merges confirm them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.source.conflicts import Clash
from sessions.source.line import Line, Queue
from sessions.source.merging import Candidate, Merger
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Decision, Ticket, Verdict, name_some, name_tickets
from sessions.tickets.order import Needs, closure

# The least number of tickets that a blocker keeps out; the most blockers that are tried.
_SEVERAL, _TRIED = 2, 3


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """A merged ticket without which others would merge.

    ``would_fit`` lists the tickets that merge onto the line without it, each by itself; ``together`` those of them
    that merge one after the other, in merge order. ``needed_by`` lists merged tickets that depend on the blocker and
    would have to leave with it.
    """

    ticket: int
    would_fit: tuple[int, ...]
    together: tuple[int, ...]
    needed_by: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return a clause such as ``without #3, each of 2 tickets that do not merge would: #5 and #7; together #5``."""
        also = f" (and {name_tickets(self.needed_by)}, which need it)" if self.needed_by else ""
        return (
            f"without {name_ticket(self.ticket)}{also}, each of {len(self.would_fit)} tickets that do not merge would: "
            f"{name_some(self.would_fit)}; together {name_some(self.together)}"
        )


def suspects(decisions: Mapping[int, Decision]) -> tuple[int, ...]:
    """Return the tickets that every conflict of several tickets names, those named most often first. Pure.

    A ticket that conflicts with two others in different files would still conflict with one of them gone.
    """
    named = Counter(
        number
        for decision in decisions.values()
        if decision.verdict is Verdict.CONFLICT
        for number in frozenset[int]().union(*(each.with_ for each in decision.conflicts))
        if all(each.with_ == (number,) for each in decision.conflicts)
    )
    several = [number for number, times in named.items() if times >= _SEVERAL]
    return tuple(sorted(several, key=lambda number: (-named[number], number)))


def find_blockers(queue: Queue, line: Line, merger: Merger) -> tuple[Blocker, ...]:
    """Return the merged tickets without which several others would merge.

    At most three tickets are tried: the line is merged without the ticket (up to its place, these merges are known),
    then each conflicting ticket is merged onto that. A ticket without which the line itself does not merge, or fewer
    than two others do, is no blocker.

    Raises :class:`SourceError` if git itself failed.
    """
    waiting = [
        ticket
        for ticket in queue.tickets
        if (decision := line.decisions.get(ticket.number)) and decision.verdict is Verdict.CONFLICT
    ]
    merged = {ticket.number for ticket in line.tickets}
    tried = [number for number in suspects(line.decisions) if number in merged][:_TRIED]
    found = (_try_without(number, line.tickets, waiting, queue.needs, merger) for number in tried)
    return tuple(blocker for blocker in found if blocker and len(blocker.would_fit) >= _SEVERAL)


def _try_without(
    number: int, line: Sequence[Ticket], waiting: Sequence[Ticket], needs: Needs, merger: Merger
) -> Blocker | None:
    def stays(ticket: Ticket) -> bool:
        return number not in closure(frozenset([ticket.number]), needs)

    head = merger.combine(ticket for ticket in line if stays(ticket))
    if isinstance(head, Clash):
        return None
    fit = [ticket for ticket in waiting if stays(ticket) and merger.fits(head, ticket)]
    return Blocker(
        ticket=number,
        would_fit=tuple(ticket.number for ticket in fit),
        together=_together(head, fit, merger),
        needed_by=tuple(ticket.number for ticket in line if ticket.number != number and not stays(ticket)),
    )


def _together(head: Candidate, tickets: Sequence[Ticket], merger: Merger) -> tuple[int, ...]:
    before = len(head.tickets)
    for ticket in tickets:
        match merger.merge(head, ticket):
            case Candidate() as longer:
                head = longer
            case Clash():
                pass
    return head.tickets[before:]
