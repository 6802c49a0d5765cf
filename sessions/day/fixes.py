"""Tickets that mend the release: they are merged before the baseline is measured."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.source.line import Line
from sessions.tickets.eligibility import FIX_RANK, has_label
from sessions.tickets.model import Ticket
from sessions.tickets.order import Needs, closure


def fix_tickets(line: Line, needs: Needs, labels: Sequence[str]) -> tuple[Ticket, ...]:
    """Return the tickets with which a line begins, as they, or tickets that need them, have one of these labels."""
    fixes = closure(frozenset(each.number for each in line.tickets if has_label(each, labels)), needs)
    return tuple(ticket for ticket in line.tickets if ticket.number in fixes)


def rank_name(rank: int, priorities: Sequence[str]) -> str:
    """Return the label of a rank: ``fixes``, a priority, or empty for tickets without one."""
    return "fixes" if rank == FIX_RANK else [*priorities, ""][rank]
