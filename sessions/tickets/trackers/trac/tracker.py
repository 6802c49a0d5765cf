"""The tracker of a Trac: reads all open tickets, and answers with a comment and a workflow action."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from urllib.parse import urlsplit

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, Refusal, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import PATIENCE
from sessions.tickets.trackers.trac.client import TracClient
from sessions.tickets.trackers.trac.comment import comment_on, has_moved, marker_of
from sessions.tickets.trackers.trac.credentials import read_credentials
from sessions.tickets.trackers.trac.fields import Attributes, reviewed_commit, ticket_from
from sessions.tickets.trackers.trac.xmlrpc import XmlRpc

_BATCH = 100
_PAUSE = 0.2  # seconds between two changes: each costs the server a database lock and a page's cache
# Sage's milestones for tickets that must not be merged; other projects do not have them.
_PSEUDO_MILESTONES = ("sage-duplicate/invalid/wontfix", "sage-feature", "sage-pending", "sage-wishlist")


class TracTracker:
    """The Trac at ``config.url``, called with the credentials of the environment.

    A call that the server refuses is repeated for ``patience`` seconds.
    """

    def __init__(self, config: Tracker, patience: float = PATIENCE) -> None:
        self._config = config
        self._base = config.url.rstrip("/")
        if not _is_plain_address(self._base):
            raise TrackerError(
                "[tickets] url must be Trac's address as https://HOST/PATH, without user, password or query."
            )
        self._is_name_checked = False
        us = read_credentials(config.token)
        caller = Caller(f"Trac at {self._base}", us.auth, patience=patience, pause=_PAUSE)
        self._rpc = XmlRpc(caller=caller, url=f"{self._base}{us.endpoint}", login=us.login, must_knock=us.must_knock)
        self._client = TracClient(self._rpc, us.user)

    @property
    def url(self) -> str:
        """Trac's web address."""
        return self._base

    def read(self) -> tuple[Ticket, ...]:
        """Return all open tickets. Raises :class:`TrackerError` if any of them could not be read."""
        query = "status!=closed&max=0&order=id"  # without max=0, Trac returns only the first 100
        if not self._config.milestone:
            query += f"&milestone!={'|'.join(_PSEUDO_MILESTONES)}"
        numbers = self._rpc.ask("ticket.query", query)
        if not isinstance(numbers, list) or any(type(number) is not int or number < 1 for number in numbers):
            raise self._rpc.nonsense("ticket.query")
        requested = sorted(set(numbers))
        found: list[Ticket] = []
        for start in range(0, len(requested), _BATCH):
            batch = requested[start : start + _BATCH]
            rows = self._rpc.ask_each("ticket.get", batch)
            found += [
                ticket_from(number, self._client.check_fields(number, row), self._base)
                for number, row in zip(batch, rows, strict=True)
            ]
        return tuple(ticket for ticket in found if "closed" not in ticket.labels)  # closed while we were reading

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Comment on the ticket, and send it back if it is at fault, unless our last comment says the same.

        Every change has the ticket's ``_ts``: Trac refuses it if the ticket was changed since it was read, and the
        change is then planned again, once. A ticket that cannot be sent back still gets its comment.
        """
        self._require_user()
        marker = marker_of(account)
        comment = Change.of(account.number, TicketPart.COMMENT, marker)
        for _attempt in range(2):
            try:
                now = self._client.fields(account.number)
                if self._client.last_marker(account.number) == marker:
                    return WriteResult()
                actions = self._client.actions(account.number)
            except RefusedError as error:
                return cannot_see(account.number, error)
            if comment in refused_before:
                return WriteResult(skipped=(comment,))
            if result := self._write(account, now, actions, comment):
                return result
        raise TrackerError(
            f"Ticket {account.number} of {self._base} was changed by somebody else twice while we wrote to it: "
            "run `nox -s report -- --publish` again."
        )

    def _write(self, account: Account, now: Attributes, actions: Sequence[str], comment: Change) -> WriteResult | None:
        """Write the comment with its action; ``None`` if somebody changed the ticket in the meantime."""
        marker, action_back = marker_of(account), self._required_action(account, now)
        text = comment_on(account, now)
        back = Change.of(account.number, TicketPart.STATUS, marker, action_back)
        refused: tuple[Refusal, ...] = ()
        if action_back and action_back not in actions:
            refused = (
                Refusal(change=back, why=self._no_action(account.number, action_back, actions), may_be_setup=True),
            )
            action_back = ""
        for action in dict.fromkeys((action_back, "")):
            # If the workflow has no action `leave`, send no action, as with plugins before 1.1.
            changes = {"action": action or "leave"} if (action or "leave") in actions else {}
            try:
                # notify=False: a day that writes to a hundred tickets must not send a thousand mails.
                self._rpc.tell("ticket.update", account.number, text, {"_ts": now["_ts"], **changes}, False)
            except RefusedError as error:
                if self._client.fields(account.number)["_ts"] != now["_ts"]:
                    return None  # the refusal is about somebody's change in between
                why, change = str(error), back if action else comment
                refused = (*refused, Refusal(change=change, why=why, may_be_setup=error.may_be_setup))
            else:
                self._check_name(account.number, marker)
                return WriteResult(
                    changed=(TicketPart.COMMENT, *((TicketPart.STATUS,) if action else ())), refused=refused
                )
        # The comment was refused by itself, and not because of the action.
        return WriteResult(refused=tuple(each for each in refused if each.change == comment))

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a ticket as fixed, as Sage's release managers do, and name the release if there is a field for it.

        A ticket with a newer commit is left open, and reported as refused. Raises :class:`TrackerError` if Trac fails.
        """
        self._require_user()
        try:
            now = self._client.fields(ticket.number)
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        if now["status"] == "closed":
            return WriteResult()
        if reviewed_commit(now) != ticket.commit:
            why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
            return cannot_see(ticket.number, RefusedError(why))
        changes = {"_ts": now["_ts"], "status": "closed", "resolution": "fixed"}
        changes |= {"merged": release} if "merged" in now else {}
        text = f"Merged in release {{{{{{{release}}}}}}}."
        write = partial(self._rpc.tell, "ticket.update", ticket.number, text, changes, False)
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        return carry_out([Planned(change=change, write=write)], refused_before)

    def _require_user(self) -> None:
        if not self._client.user:
            raise TrackerAccessError(
                f"Writing to tickets of {self._base} needs TRAC_USER, with TRAC_PASSWORD or TRAC_TOKEN."
            )

    def _check_name(self, number: int, marker: str) -> None:
        """After the first comment, check that we recognise it as ours, or else it would be written again and again."""
        if not self._is_name_checked and self._client.last_marker(number) != marker:
            raise TrackerAccessError(
                f"Our comment on ticket {number} of {self._base} is there, yet not under the name {self._client.user}: "
                "set TRAC_USER to the name that Trac shows."
            )
        self._is_name_checked = True

    def _required_action(self, account: Account, now: Attributes) -> str:
        """Return the workflow action that sends the ticket back; empty if its status stays."""
        ready = {plain(status) for status in self._config.ready}
        is_sent_back = account.is_at_fault and plain(now["status"]) in ready and not has_moved(account, now)
        return self._config.at_fault if is_sent_back else ""

    def _no_action(self, number: int, missing: str, actions: Sequence[str]) -> str:
        user = self._client.user
        return (
            f"Ticket {number} of {self._base} offers {user} no action {missing!r}, only {', '.join(actions)}: "
            f"send it back by hand, and set [tickets] at_fault to one of them, or give {user} the permission."
        )


def _is_plain_address(url: str) -> bool:
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname) and not (address.username or address.query)
