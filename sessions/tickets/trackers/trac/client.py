"""Call Trac about one ticket, and check the shape of each answer."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.tickets.trackers.trac.comment import marker_in
from sessions.tickets.trackers.trac.fields import Attributes, text_fields
from sessions.tickets.trackers.trac.xmlrpc import XmlRpc


@dataclass(frozen=True)
class TracClient:
    """A Trac, whose XML-RPC interface is ``rpc``; ``user`` is the name under which our comments appear."""

    rpc: XmlRpc
    user: str

    def fields(self, number: int) -> Attributes:
        """Return the fields of a ticket. Raises :class:`RefusedError` if it is gone, or not visible."""
        return self.check_fields(number, self.rpc.ask("ticket.get", number))

    def check_fields(self, number: int, row: object) -> Attributes:
        """Return the fields in an answer of ``ticket.get``. Raises :class:`TrackerError` if it is not valid."""
        if (fields := text_fields(number, row)) is None:
            raise self.rpc.nonsense(f"ticket.get for ticket {number}")
        return fields

    def actions(self, number: int) -> list[str]:
        """Return the workflow actions that a ticket offers us."""
        return [str(row[0]) for row in self._rows("ticket.getActions", number)]

    def last_marker(self, number: int) -> str:
        """Return the marker of our newest comment; empty if there is none. Comments by others do not count."""
        marker = ""
        for row in self._rows("ticket.changeLog", number):
            match row:
                case [_, str() as author, "comment", _, str() as text, *_] if author.casefold() == self.user.casefold():
                    marker = marker_in(text) or marker
                case _:
                    pass
        return marker

    def _rows(self, method: str, number: int) -> list[list[object]]:
        rows = self.rpc.ask(method, number)
        if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
            raise self.rpc.nonsense(f"{method} for ticket {number}")
        return rows
