"""Say which test files became slower, and by which ticket."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.ledger.record import RecordedGate, RecordedSlowdown, RecordedTicket
from sessions.tickets.model import name_tickets


def say_ticket_slowdowns(ticket: RecordedTicket) -> list[str]:
    """Return a sentence for each test file that a ticket makes slower."""
    return [_say_slowdown(each, ticket) for each in ticket.slowdowns]


def say_gate_slowdowns(gate: str, found: RecordedGate, release: str) -> Iterator[str]:
    """Yield a sentence for each file that is slower on the head, and one on files that were not judged."""
    for each in found.slower:
        by = f"with {name_tickets(each.tickets)}" if each.tickets else "which ticket brings that is not known"
        runs = f"{each.ratio:.2f} times, {each.low:.2f} to {each.high:.2f}, {each.runs} runs each way"
        yield f"{each.file} ({gate}) takes longer than on {release} ({runs}): {by}."
    if found.pace_unknown:
        yield f"Not all slower files of {gate} are known: {found.pace_unknown}."


def _say_slowdown(slowdown: RecordedSlowdown, ticket: RecordedTicket) -> str:
    others = [number for number in slowdown.tickets if number != ticket.number]
    together = f" together with {name_tickets(others)}" if others else ""
    return f"It makes {slowdown.file} ({slowdown.gate}) slower{together}: {'; '.join(slowdown.evidence)}."
