"""The border to where tickets are kept: one module a tracker, one line of this registry each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, Protocol

from sessions.settings.configuration import Tracker
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, WriteResult
from sessions.tickets.trackers.file import FileTracker
from sessions.tickets.trackers.github import GitHubTracker
from sessions.tickets.trackers.trac import TracTracker


class TicketSource(Protocol):
    """A tracker, read and told."""

    @property
    def dialect(self) -> Literal["markdown", "wiki"]:
        """In what its comments are written."""
        ...

    def read(self) -> tuple[Ticket, ...]:
        """All open tickets, each number once, or :class:`TrackerError`; never only a part of them."""
        ...

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Put ``account`` where the ticket's author reads it, without the changes that were refused before.

        Told the same again, it writes nothing. A change that the tracker refuses keeps no other from being made.

        Raises :class:`TrackerError` where the tracker fails otherwise.
        """
        ...

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a ticket whose ``commit`` is in ``release``, if it is still open and at that commit.

        Raises :class:`TrackerError` where the tracker fails.
        """
        ...


TRACKERS: dict[str, Callable[[Tracker], TicketSource]] = {
    "file": FileTracker,
    "github": GitHubTracker,
    "trac": TracTracker,
}
