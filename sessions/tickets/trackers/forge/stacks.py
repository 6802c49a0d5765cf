"""Stacked pull requests: one that is for the branch of another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sessions.tickets.model import Ticket


def resolve_stacks(tickets: Mapping[int, Ticket], branches: Mapping[str, int]) -> dict[int, Ticket]:
    """Return the tickets, with those that are for another one's branch depending on that, and for what it is for.

    ``branches`` names for the repository's own branches the pull request that comes from each, except for branches
    that are no work in progress. Forges retarget a stacked pull request once the lower one is merged.
    """
    return {number: _on_stack(ticket, tickets, branches) for number, ticket in tickets.items()}


def _on_stack(ticket: Ticket, tickets: Mapping[int, Ticket], branches: Mapping[str, int]) -> Ticket:
    target, seen = ticket.target, {ticket.number}
    below = branches.get(target)
    if below is None or below == ticket.number:
        return ticket
    depends = tuple(dict.fromkeys((*ticket.depends, below)))
    while (lower := branches.get(target)) and lower not in seen:  # two that are for each other's branch are for none
        seen.add(lower)
        target = tickets[lower].target
    return replace(ticket, target=target, depends=depends)
