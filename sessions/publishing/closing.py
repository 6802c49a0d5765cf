"""Closing the tickets that a release contains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sessions.errors import TrackerBusyError, TrackerError
from sessions.narrator import Narrator
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import TicketSource


def close_merged(
    tracker: TicketSource, mirror: Mirror, release: Release, narrator: Narrator, *, publish: bool
) -> dict[str, Any]:
    """Close every open ticket that the release merged, if ``publish``; else say which would be closed.

    A ticket that has moved since it was merged is left open, and named.

    Raises :class:`TrackerError` at the end where some could not be closed.
    """
    closed, refused = list[int](), list[str]()
    merged = mirror.merged_tickets(release)
    for ticket in tracker.read():
        match _state(ticket, mirror, merged):
            case "merged" if not publish:
                narrator.detail(f"#{ticket.number} would be closed with --publish: {release.tag} contains it")
            case "merged":
                try:
                    closed += [ticket.number] if tracker.close(ticket, release.tag) else []
                except TrackerBusyError:
                    raise
                except TrackerError as error:
                    refused.append(str(error))
            case "moved":
                narrator.detail(f"#{ticket.number} has moved since it was merged into {release.tag}: it is left open")
            case "open":
                pass
    if closed:
        narrator.detail(f"closed: {', '.join(f'#{number}' for number in closed)}")
    if refused:
        raise TrackerError(f"{len(refused)} tickets could not be closed, first: {refused[0]}")
    return {"closed": closed} if publish else {}


def _state(ticket: Ticket, mirror: Mirror, merged: Mapping[str, int]) -> Literal["merged", "moved", "open"]:
    at = mirror.tip(ticket.branch) if ticket.branch else None
    if ticket.commit and ticket.commit in merged:
        return "merged" if at in (None, ticket.commit) else "moved"
    return "moved" if ticket.number in merged.values() else "open"
