"""Close the tickets that a release merged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial

from sessions.publishing.writes import Writes
from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import Naming, Release
from sessions.source.reverts import OwnHistory
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerError
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.model import Ticket
from sessions.tickets.trackers.kind import TicketSource


def close_merged(
    tracker: TicketSource,
    mirror: Mirror,
    release: Release,
    console: Console,
    writes: Writes,
    *,
    publish: bool,
    subjects: MergeSubjects,
) -> tuple[int, ...] | None:
    """Close every open ticket that the release merged, if ``publish``, and return their numbers.

    Without ``publish``, say which would be closed, and return ``None``.

    A ticket that has moved since it was merged, or was reverted, stays open, and is printed. If a ticket cannot be
    closed, ``writes`` records that, and the others are closed.
    """
    closed = list[int]()
    with closing(OwnHistory(mirror.repository, release.commit)) as history:
        merged = _Merged(mirror, release, history, subjects)
        for ticket in _open_tickets(tracker, writes):
            if why := merged.why_open(ticket):
                console.detail(f"{name_ticket(ticket.number)} {why}: it is left open")
            elif not merged.has(ticket):
                continue
            elif not publish:
                console.detail(
                    f"{name_ticket(ticket.number)} would be closed with --publish: {release.tag} contains it"
                )
            else:
                outcome = writes.attempt(ticket.number, partial(tracker.close, ticket, release.tag))
                closed += [ticket.number] if outcome and outcome.changed else []
    if closed:
        console.detail(f"closed: {', '.join(map(name_ticket, closed))}")
    return tuple(closed) if publish else None


def _open_tickets(tracker: TicketSource, writes: Writes) -> tuple[Ticket, ...]:
    try:
        return tracker.read()
    except TrackerError as error:
        writes.stop(error)
        return ()


@dataclass(frozen=True)
class _Merged:
    """The tickets that a release merged."""

    mirror: Mirror
    release: Release
    history: OwnHistory
    subjects: MergeSubjects

    def has(self, ticket: Ticket) -> bool:
        """Whether the release merged a ticket at the commit that its tracker names."""
        return ticket.commit in self._merges

    def why_open(self, ticket: Ticket) -> str:
        """Return why a ticket stays open although it seems to be merged; empty otherwise."""
        at = self.mirror.refs.tip(ticket.branch) if ticket.branch and not ticket.repository else None
        if not self.has(ticket):
            named = self._named.get(ticket.number)
            return (
                f"is named as merged by {named} of {self.release.tag}, but its branch is not in there" if named else ""
            )
        if at not in (None, ticket.commit):
            return f"has moved since it was merged into {self.release.tag}"
        gone = self.history.removal_of(self._merges[ticket.commit].commit)
        return f"was merged into {self.release.tag}, and {gone} took it out again" if gone else ""

    @cached_property
    def _merges(self) -> Mapping[str, Naming]:
        return ReleaseHistory(self.mirror.repository, self.release).merges()

    @cached_property
    def _named(self) -> Mapping[int, Naming]:
        return ReleaseHistory(self.mirror.repository, self.release).namings(self.subjects)
