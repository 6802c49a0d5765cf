"""Say what repeated runs of a ticket's tests showed: that they are flaky, or slower."""

from __future__ import annotations

from typing import assert_never

from sessions.gates.flake_source import FlakeSource
from sessions.gates.flake_statistics import rate_to_see
from sessions.ledger.record import RecordedSoak, RecordedTicket, SoakedFlake
from sessions.reporting.slowdowns import say_ticket_slowdowns


def say_brought_flakes(ticket: RecordedTicket) -> list[str]:
    """Return a sentence for each flaky test that a ticket brings. They are the same from day to day."""
    return [
        _say_flake(soak.gate, flake)
        for soak in ticket.soaks
        for flake in soak.flakes
        if flake.source is FlakeSource.TICKET
    ]


def say_what_it_brings(ticket: RecordedTicket) -> list[str]:
    """Return a sentence for each test that a ticket makes flaky or slower."""
    return say_brought_flakes(ticket) + say_ticket_slowdowns(ticket)


def say_soaks(ticket: RecordedTicket) -> list[str]:
    """Return a sentence for each flaky or slower test of a ticket, and for each soak that was too short."""
    sentences = [_say_flake(soak.gate, flake) for soak in ticket.soaks for flake in soak.flakes]
    sentences += say_ticket_slowdowns(ticket)
    return sentences + [_say_shortfall(soak) for soak in ticket.soaks if soak.why_not]


def _say_flake(gate: str, flake: SoakedFlake) -> str:
    test, evidence = f"{flake.test} ({gate})", "; ".join(flake.evidence)
    match flake.source:
        case FlakeSource.TICKET:
            rate = f"its failure rate is {100 * flake.low:.2g} to {100 * flake.high:.2g} %"
            return f"It brings the flaky test {test}: {evidence}; {rate}."
        case FlakeSource.BEFORE:
            return f"{test} is flaky without it, too: {evidence}."
        case FlakeSource.OTHERS:
            return f"{test} is flaky on the head, and was not with it alone: {evidence}."
        case FlakeSource.ALWAYS:
            return f"{test} depends on other tests: {evidence}."
        case FlakeSource.UNCLEAR:
            return f"{test} is flaky on the head; whether the ticket brings that could not be shown: {evidence}."
        case _:
            assert_never(flake.source)


def _say_shortfall(soak: RecordedSoak) -> str:
    ran = f"Its files of {soak.gate} ran {soak.runs} of {soak.enough} times, as {soak.why_not}"
    if not soak.runs:
        return f"{ran}."
    return f"{ran}: a test that fails in {100 * rate_to_see(soak.runs):.2g} % of runs shows so with 95 %."
