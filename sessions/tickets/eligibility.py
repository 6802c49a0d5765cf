"""Decide which tickets may be integrated, and give a reason for each that may not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.terminal.errors import TrackerError
from sessions.terminal.ticket_numbers import prefix_of
from sessions.tickets.model import Ticket

# The ranks of tickets that mend the release, and of those that a hint calls urgent, above all priorities.
FIX_RANK, URGENT_RANK = -2, -1


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What an eligible ticket must have. ``milestone`` and ``target`` (a branch) are ``None`` if any is accepted.

    ``approvals`` is the number of people who must have approved it. ``by_prefix`` are the rules of each tracker, where
    there are several: these are then the first one's.
    """

    ready: Sequence[str]
    never: Sequence[str]
    milestone: str | None
    target: str | None = None
    approvals: int = 0
    by_prefix: Mapping[str, Rules] = field(default_factory=dict)


def why_not(ticket: Ticket, rules: Rules) -> str | None:
    """Return why ``ticket`` is not eligible, or ``None`` if it is."""
    rules = rules.by_prefix.get(prefix_of(ticket.number), rules)
    if rules.target and ticket.target and ticket.target != rules.target:
        return f"it is for branch {ticket.target}, and today's is {rules.target}"
    has = {plain(label) for label in ticket.labels}
    if unwanted := [label for label in rules.never if plain(label) in has]:
        return f"it is {' and '.join(unwanted)}"
    if rules.ready and not any(plain(label) in has for label in rules.ready):
        return f"it is not {' or '.join(rules.ready)}"
    if rules.milestone is not None and ticket.milestone != rules.milestone:
        return f"its milestone is {ticket.milestone or 'not set'}, and today's is {rules.milestone}"
    return _held_back(ticket, rules) or None


def _held_back(ticket: Ticket, rules: Rules) -> str:
    """Why a ticket with the right labels is not eligible, or nothing."""
    if ticket.held or not ticket.branch:
        return ticket.held or "it has no branch"
    approvals = len(ticket.reviewers)
    return f"it has {approvals} of {rules.approvals} approvals" if approvals < rules.approvals else ""


def plain(label: str) -> str:
    """Normalise a label's spaces and case: Sage had both ``p: blocker / 1`` and ``p: blocker /1``."""
    return "".join(label.split()).casefold()


def has_label(ticket: Ticket, labels: Iterable[str]) -> bool:
    """Whether a ticket has one of these labels."""
    return not {plain(label) for label in labels}.isdisjoint(plain(label) for label in ticket.labels)


def priority_rank(ticket: Ticket, priorities: Sequence[str], fixes: Sequence[str] = ()) -> int:
    """Return 0 for the highest priority, ``FIX_RANK`` for a ticket with one of ``fixes``; without any: the last."""
    if has_label(ticket, fixes):
        return FIX_RANK
    has = {plain(label) for label in ticket.labels}
    ranks = [rank for rank, label in enumerate(priorities) if plain(label) in has]
    return min(ranks, default=len(priorities))


def check_not_elsewhere(tickets: Iterable[Ticket], rules: Rules) -> None:
    """Raise :class:`TrackerError` if no ticket is ready for the milestone, but some are for another one.

    Sage's own attempt printed "No tickets for milestone sage-9.5" for weeks, because it had picked a finished milestone
    and did not say so.
    """
    anywhere = replace(rules, milestone=None)
    ready = [ticket for ticket in tickets if why_not(ticket, anywhere) is None]
    if rules.milestone is None or not ready or any(ticket.milestone == rules.milestone for ticket in ready):
        return
    others = sorted({ticket.milestone or "(none)" for ticket in ready})
    raise TrackerError(
        f"No ticket is ready for milestone {rules.milestone!r}, but {len(ready)} are for {', '.join(others)}: "
        "name the right one as [tickets] milestone."
    )
