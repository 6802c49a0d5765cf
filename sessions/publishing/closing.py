"""Closing the tickets that a release contains."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from sessions.errors import TrackerError
from sessions.narrator import Narrator
from sessions.publishing.writes import Writes
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import TicketSource


def close_merged(
    tracker: TicketSource, mirror: Mirror, release: Release, narrator: Narrator, writes: Writes, *, publish: bool
) -> dict[str, Any]:
    """Close every open ticket that the release merged, if ``publish``; else say which would be closed.

    A ticket that has moved since it was merged is left open, and named. One that cannot be closed keeps no other from
    being closed: ``writes`` knows of it.
    """
    closed = list[int]()
    merged = mirror.merged_tickets(release)
    for ticket in _open_tickets(tracker, writes):
        match _state(ticket, mirror, merged):
            case "merged" if not publish:
                narrator.detail(f"#{ticket.number} would be closed with --publish: {release.tag} contains it")
            case "merged":
                outcome = writes.attempt(ticket.number, partial(tracker.close, ticket, release.tag))
                closed += [ticket.number] if outcome and outcome.changed else []
            case "moved":
                narrator.detail(f"#{ticket.number} has moved since it was merged into {release.tag}: it is left open")
            case "open":
                pass
    if closed:
        narrator.detail(f"closed: {', '.join(f'#{number}' for number in closed)}")
    return {"closed": closed} if publish else {}


def _open_tickets(tracker: TicketSource, writes: Writes) -> tuple[Ticket, ...]:
    try:
        return tracker.read()
    except TrackerError as error:
        writes.stop(error)
        return ()


def _state(ticket: Ticket, mirror: Mirror, merged: Mapping[str, int]) -> Literal["merged", "moved", "open"]:
    at = mirror.tip(ticket.branch) if ticket.branch else None
    if ticket.commit and ticket.commit in merged:
        return "merged" if at in (None, ticket.commit) else "moved"
    return "moved" if ticket.number in merged.values() else "open"
