"""The tracker of a Gerrit server's changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError, TrackerError
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.gerrit.address import GerritAddress, parse_gerrit_address, read_gerrit_credentials
from sessions.tickets.trackers.gerrit.changes import ChangeInfo, ticket_of_change
from sessions.tickets.trackers.gerrit.client import GerritClient, documented_answers
from sessions.tickets.trackers.gerrit.relations import ChangeRelations
from sessions.tickets.trackers.gerrit.review import plan_review, vote_at_fault
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import PATIENCE

_PAGE = 100
_READINGS = 3
_OF_A_TICKET = (
    "CURRENT_COMMIT",
    "ALL_REVISIONS",
    "LABELS",
    "DETAILED_LABELS",
    "DETAILED_ACCOUNTS",
    "SUBMITTABLE",
    "SUBMIT_REQUIREMENTS",
)


@dataclass(frozen=True)
class GerritTracker:
    """The open changes that the query at ``config.url`` finds."""

    config: Tracker
    patience: float = PATIENCE

    @cached_property
    def caller(self) -> Caller:
        """Makes the calls, with the credentials of the environment."""
        return Caller("Gerrit", read_gerrit_credentials(self.config.token), self.patience)

    @cached_property
    def address(self) -> GerritAddress:
        """The server and the query."""
        return parse_gerrit_address(self.config.url)

    @property
    def url(self) -> str:
        """The address as it was configured."""
        return self.config.url

    @cached_property
    def client(self) -> GerritClient:
        """The server's interface: below ``/a`` for users."""
        is_user = read_gerrit_credentials(self.config.token) is not None
        return GerritClient(f"{self.address.base}/a" if is_user else self.address.base, self.caller, is_user)

    def read(self) -> tuple[Ticket, ...]:
        """Return all open changes of the query, oldest first.

        Raises :class:`TrackerError` where any of them could not be read, or the query finds those of two projects.
        """
        with documented_answers():
            changes = self._read_changes()
            if len(projects := sorted({change["project"] for change in changes.values()})) > 1:
                raise TrackerError(
                    f"[tickets] url finds changes of {' and '.join(projects[:2])}: add project:NAME to its query."
                )
            is_topic_whole = bool(self.client.get("config/server/info")["change"].get("submit_whole_topic"))
            relations = ChangeRelations(changes=changes, base=self.address.base, is_topic_whole=is_topic_whole)
            others = self._look_up(relations.unknown())
            relations = ChangeRelations(
                changes=changes, base=self.address.base, is_topic_whole=is_topic_whole, others=others
            )
            tickets = (
                ticket_of_change(each, self.address.base, self.config.require_checks) for each in changes.values()
            )
            return tuple(relations.relate(ticket) for ticket in sorted(tickets, key=lambda ticket: ticket.number))

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write ``account`` as a message, and vote where the configuration says so, each where it differs.

        Raises :class:`TrackerError` where Gerrit fails; the next call then writes what is missing.
        """
        vote = vote_at_fault(self.config)
        own = self.client.own_account
        try:
            with documented_answers():
                change = self.client.get(f"changes/{account.number}/detail", o="ALL_REVISIONS")
                planned = tuple(plan_review(self.client, account, change, own, vote))
        except RefusedError as error:
            return cannot_see(account.number, error)
        return carry_out(planned, refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Abandon a change that ``release`` contains at ``ticket.commit``, if Gerrit has not closed it itself.

        One that has a newer patch set is left open, and reported as refused. Raises :class:`TrackerError` where Gerrit
        fails.
        """
        try:
            with documented_answers():
                found = self.client.get(f"changes/{ticket.number}", o="CURRENT_REVISION")
                if found["status"] != "NEW":
                    return WriteResult()
                if found["current_revision"] != ticket.commit:
                    why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
                    return cannot_see(ticket.number, RefusedError(why))
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        content = {"message": f"Release {release} contains it, as of commit {ticket.commit}.", "notify": "OWNER"}
        write = partial(self.client.post, change, f"changes/{ticket.number}/abandon", content)
        return carry_out([Planned(change=change, write=write)], refused_before)

    def _read_changes(self) -> Mapping[int, ChangeInfo]:
        """All open changes, by number.

        Gerrit sorts them by when they were updated, so that one that is updated meanwhile moves to a page that was
        read already. Where the first page shows another beginning afterwards, all are read again.
        """
        for _ in range(_READINGS):
            first, is_last = self._page(0, *_OF_A_TICKET)
            changes = list(first)
            while not is_last:
                page, is_last = self._page(len(changes), *_OF_A_TICKET)
                changes += page
            if len(changes) == len(first) or _order(self._page(0)[0]) == _order(first):
                return {change["_number"]: change for change in changes}
        raise TrackerError("Changes on Gerrit are updated faster than they can be read: run again.")

    def _page(self, start: int, *options: str) -> tuple[list[ChangeInfo], bool]:
        """The changes from that place on, and whether there are no more."""
        query = f"({self.address.query}) status:open"
        page = self.client.get("changes/", q=query, n=_PAGE, S=start, o=options)
        return page, not (page and page[-1].get("_more_changes"))

    def _look_up(self, names: Collection[str]) -> Mapping[str, ChangeInfo]:
        """Return the changes with these numbers or change ids, whatever their status; an open one if several match."""
        if not names:
            return {}
        found = self.client.get("changes/", q=" OR ".join(f"change:{name}" for name in names), n=5 * _PAGE)
        by_rank = sorted(found, key=lambda change: ("ABANDONED", "MERGED", "NEW").index(change["status"]))
        return {str(change["_number"]): change for change in by_rank} | {each["change_id"]: each for each in by_rank}


def _order(changes: list[ChangeInfo]) -> list[tuple[int, str]]:
    return [(change["_number"], change["updated"]) for change in changes]
