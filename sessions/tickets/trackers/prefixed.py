"""A tracker among several: its tickets' numbers have its prefix everywhere but in the tracker itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import TrackerError
from sessions.terminal.ticket_numbers import add_prefix, own_number
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, WriteResult
from sessions.tickets.trackers.kind import IssueSource, TicketSource


@dataclass(frozen=True)
class PrefixedTracker:
    """The ``tracker`` behind a table of the configuration that has a prefix, or a repository of its own."""

    tracker: TicketSource
    config: Tracker

    @property
    def url(self) -> str:
        """The tracker's address."""
        return self.tracker.url

    def read(self) -> tuple[Ticket, ...]:
        """Return all open tickets, with prefixed numbers. Raises :class:`TrackerError` that names the table."""
        name = f"{self.config.prefix} ({self.config.tracker})" if self.config.prefix else self.config.tracker
        try:
            return tuple(self._prefixed(ticket) for ticket in self.tracker.read())
        except TrackerError as error:
            raise type(error)(f"{name}: {error}") from None
        except ValueError as error:
            raise TrackerError(f"{name}: ticket {error}.") from None

    def open_issues(self, numbers: Collection[int]) -> frozenset[int]:
        """Return which of these tickets and issues are open; none where the tracker has no issues."""
        if not isinstance(self.tracker, IssueSource):
            return frozenset()
        found = self.tracker.open_issues([own_number(number) for number in numbers])
        return frozenset(add_prefix(self.config.prefix, number) for number in found)

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write a ticket's verdict. Raises as the tracker does."""
        own = replace(account, number=own_number(account.number))
        return self._result(self.tracker.tell(own, _own(refused_before)))

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a ticket. Raises as the tracker does."""
        own = replace(ticket, number=own_number(ticket.number))
        return self._result(self.tracker.close(own, release, _own(refused_before)))

    def _prefixed(self, ticket: Ticket) -> Ticket:
        prefix = self.config.prefix
        return replace(
            ticket,
            number=add_prefix(prefix, ticket.number),
            depends=tuple(add_prefix(prefix, number) for number in ticket.depends),
            together=tuple(add_prefix(prefix, number) for number in ticket.together),
            repository=ticket.repository or self.config.repository,
        )

    def _result(self, result: WriteResult) -> WriteResult:
        return WriteResult(
            changed=result.changed,
            refused=tuple(replace(each, change=self._changed(each.change)) for each in result.refused),
            skipped=tuple(map(self._changed, result.skipped)),
        )

    def _changed(self, change: Change) -> Change:
        return replace(change, number=add_prefix(self.config.prefix, change.number))


def _own(changes: Collection[Change]) -> frozenset[Change]:
    return frozenset(replace(change, number=own_number(change.number)) for change in changes)
