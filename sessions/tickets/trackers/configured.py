"""The trackers of a configuration: one, or several whose tickets are read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.links import ReadTracker, resolve_links
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import TRACKERS
from sessions.tickets.trackers.kind import Surroundings, TicketSource
from sessions.tickets.trackers.prefixed import PrefixedTracker


def connect_tracker(settings: Tracker, surroundings: Surroundings = Surroundings()) -> TicketSource:  # noqa: B008  frozen
    """The tracker of a table of the configuration.

    Raises :class:`TrackerError` if the settings cannot be right, or credentials are missing.
    """
    connect = TRACKERS[settings.tracker].connect
    if not (settings.prefix or settings.repository):
        return connect(settings, surroundings)
    folder = surroundings.folder / settings.prefix.rstrip("!#")
    return PrefixedTracker(connect(settings, replace(surroundings, folder=folder)), settings)


def read_trackers(tables: Sequence[Tracker], surroundings: Surroundings) -> tuple[Ticket, ...]:
    """Return all open tickets of all trackers of a configuration, with the dependencies among them.

    Raises :class:`TrackerError` if one of the trackers could not be read: never returns a part of the tickets.
    """
    connected = [(each.prefix, connect_tracker(each, surroundings)) for each in tables]
    read = [ReadTracker(prefix=prefix, url=each.url, tickets=each.read()) for prefix, each in connected]
    return resolve_links(read) if len(read) > 1 else read[0].tickets


def name_trackers(tables: Sequence[Tracker]) -> str:
    """Return ``gitlab tracker``, or ``gitlab and github trackers``."""
    *others, last = dict.fromkeys(each.tracker for each in tables)
    return f"{', '.join(others)} and {last} trackers" if others else f"{last} tracker"
