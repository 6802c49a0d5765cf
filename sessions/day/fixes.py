"""Tickets that mend the release: they are merged before the baseline is measured."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.source.line import Line
from sessions.tickets.eligibility import FIX_RANK, URGENT_RANK, has_label
from sessions.tickets.model import Ticket
from sessions.tickets.order import Needs, closure


def fix_tickets(line: Line, needs: Needs, labels: Sequence[str]) -> tuple[Ticket, ...]:
    """Return the tickets with which a line begins, as they, or tickets that need them, have one of these labels."""
    fixes = closure(frozenset(each.number for each in line.tickets if has_label(each, labels)), needs)
    return tuple(ticket for ticket in line.tickets if ticket.number in fixes)


def rank_name(rank: int, priorities: Sequence[str]) -> str:
    """Return the label of a rank: ``fixes``, ``urgent``, a priority, or empty for tickets without one."""
    return {FIX_RANK: "fixes", URGENT_RANK: "urgent"}.get(rank) or [*priorities, ""][rank]
