"""The border to where tickets are kept: one module a tracker, one line of this registry each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sessions.tickets.model import Ticket
from sessions.tickets.trackers.file import FileTracker


class TicketSource(Protocol):
    """A tracker, read and told."""

    def read(self) -> tuple[Ticket, ...]:
        """All open tickets, each number once, or :class:`TrackerError`; never only a part of them."""
        ...

    def tell(self, number: int, account: str) -> bool:
        """Put ``account``, Markdown, where the ticket's author reads it; whether that changed anything."""
        ...


TRACKERS: dict[str, Callable[[str], TicketSource]] = {
    "file": FileTracker,
}
