"""The trackers of a configuration: one, or several whose tickets are read together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.ticket_numbers import prefix_of
from sessions.tickets.links import ReadTracker, resolve_links
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import TRACKERS
from sessions.tickets.trackers.kind import IssueSource, Surroundings, TicketSource
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


@dataclass(frozen=True)
class ConfiguredTrackers:
    """All trackers of a configuration, by prefix."""

    trackers: Mapping[str, TicketSource]

    @classmethod
    def connect(cls, tables: Sequence[Tracker], surroundings: Surroundings) -> ConfiguredTrackers:
        """Connect all of them. Raises :class:`TrackerError` if settings cannot be right, or credentials are missing."""
        return cls({each.prefix: connect_tracker(each, surroundings) for each in tables})

    def read(self) -> tuple[Ticket, ...]:
        """Return all open tickets of all trackers, with the dependencies among them.

        Raises :class:`TrackerError` if one of the trackers could not be read: never returns a part of the tickets.
        """
        read = [ReadTracker(prefix=prefix, url=each.url, tickets=each.read()) for prefix, each in self.trackers.items()]
        return resolve_links(read) if len(read) > 1 else read[0].tickets

    def open_issues(self, numbers: Collection[int]) -> frozenset[int]:
        """Return which of these tickets and issues are open, as far as their trackers have issues.

        Raises :class:`TrackerError` where one of them cannot be seen.
        """
        found = frozenset[int]()
        for prefix, tracker in self.trackers.items():
            own = sorted(number for number in numbers if prefix_of(number) == prefix)
            if own and isinstance(tracker, IssueSource):
                found |= tracker.open_issues(own)
        return found


def name_trackers(tables: Sequence[Tracker]) -> str:
    """Return ``gitlab tracker``, or ``gitlab and github trackers``."""
    *others, last = dict.fromkeys(each.tracker for each in tables)
    return f"{', '.join(others)} and {last} trackers" if others else f"{last} tracker"
