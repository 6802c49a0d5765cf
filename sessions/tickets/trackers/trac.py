"""Tickets in Trac, through its XML-RPC plugin: read as a whole, told by comment and workflow action."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from sessions.settings.configuration import Tracker
from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import Change, Part, Planned, Refusal, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.characters import in_basic_plane
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.xmlrpc import XmlRpc

Attributes = Mapping[str, str]

_BATCH = 100
_PAUSE = 0.2  # seconds between two changes: each costs the server a database lock and a page's cache
# Where Sage put what was not to be merged; a Trac without such milestones has nothing to exclude.
_PSEUDO_MILESTONES = ("sage-duplicate/invalid/wontfix", "sage-feature", "sage-pending", "sage-wishlist")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
# A comment of ours begins with a block that Trac does not show, by which it is found and compared again.
_MARKER = re.compile(r"\{\{\{#!comment\r?\nintegrand (\S+ [0-9a-f]{16})\r?\n\}\}\}")
_SAFE_URL = re.compile(r"https?://[\w./:%+?&=#@~-]+")


class TracTracker:
    """A Trac. Credentials come from the environment: ``TRAC_USER`` with ``TRAC_PASSWORD`` or ``TRAC_TOKEN``.

    ``patience`` is how many seconds a refusing server is asked again.
    """

    dialect: Literal["wiki"] = "wiki"

    def __init__(self, config: Tracker, *, patience: float = 300.0) -> None:
        self._config = config
        self._base = config.url.rstrip("/")
        if not _is_plain_address(self._base):
            raise TrackerError("[tickets] url must be Trac's address as https://HOST/PATH, without user or password.")
        self._user = os.environ.get("TRAC_USER", "")
        self._is_name_checked = False
        auth, endpoint, login = _credentials(self._user)
        caller = Caller(f"Trac at {self._base}", auth, patience=patience, pause=_PAUSE)
        is_login = endpoint.startswith("/login")
        self._rpc = XmlRpc(caller=caller, url=f"{self._base}{endpoint}", login=login, must_knock=is_login)

    def read(self) -> tuple[Ticket, ...]:
        """All open tickets, or :class:`TrackerError`; never only a part of them."""
        query = "status!=closed&max=0&order=id"  # without max=0, Trac hands out the first 100
        if not self._config.milestone:
            query += f"&milestone!={'|'.join(_PSEUDO_MILESTONES)}"
        numbers = self._rpc.ask("ticket.query", query)
        if not isinstance(numbers, list) or any(type(number) is not int or number < 1 for number in numbers):
            raise self._rpc.nonsense("ticket.query")
        wanted = sorted(set(numbers))
        found: list[Ticket] = []
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            rows = self._rpc.ask_each("ticket.get", batch)
            found += [self._ticket(n, self._attributes(n, row)) for n, row in zip(batch, rows, strict=True)]
        return tuple(ticket for ticket in found if "closed" not in ticket.labels)  # while we were reading

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Comment on the ticket, and send it back where it is at fault, unless our last comment says the same.

        Every change carries the ticket's ``_ts``: Trac refuses it where the ticket was changed since it was read,
        and the change is then decided anew, once. A ticket that cannot be sent back gets its comment all the same.
        """
        self._need_user()
        marker = _marker(account)
        comment = Change.of(account.number, Part.COMMENT, marker)
        for _attempt in range(2):
            try:
                now = self._get(account.number)
                if self._last_told(account.number) == marker:
                    return WriteResult()
                actions = [str(row[0]) for row in self._rows("ticket.getActions", account.number)]
            except RefusedError as error:
                return cannot_see(account.number, error)
            if comment in refused_before:
                return WriteResult(skipped=(comment,))
            if told := self._write(account, now, actions, comment):
                return told
        raise TrackerError(
            f"Ticket {account.number} of {self._base} was changed by somebody twice while it was being told: "
            "run `nox -s report -- --publish` again."
        )

    def _write(self, account: Account, now: Attributes, actions: Sequence[str], comment: Change) -> WriteResult | None:
        """Write the comment with the action that goes with it; ``None`` where somebody changed the ticket meanwhile."""
        marker, wanted = _marker(account), self._wanted_action(account, now)
        text = self._comment(account, now, marker)
        back = Change.of(account.number, Part.STATUS, marker, wanted)
        refused: tuple[Refusal, ...] = ()
        if wanted and wanted not in actions:
            refused = (Refusal(change=back, why=self._no_action(account.number, wanted, actions), may_be_setup=True),)
            wanted = ""
        for action in dict.fromkeys((wanted, "")):
            # A workflow without `leave` is changed as plugins did before 1.1: the comment alone, and no action.
            what = {"action": action or "leave"} if (action or "leave") in actions else {}
            try:
                # No mail (the last argument): a day that tells a hundred tickets must not send a thousand mails.
                self._rpc.tell("ticket.update", account.number, text, {"_ts": now["_ts"], **what}, False)
            except RefusedError as error:
                if self._get(account.number)["_ts"] != now["_ts"]:
                    return None  # the words are about somebody who came in between
                why, change = str(error), back if action else comment
                refused = (*refused, Refusal(change=change, why=why, may_be_setup=error.may_be_setup))
            else:
                self._check_name(account.number, marker)
                return WriteResult(changed=(Part.COMMENT, *((Part.STATUS,) if action else ())), refused=refused)
        # What is wrong with the comment is not the action's fault.
        return WriteResult(refused=tuple(each for each in refused if each.change == comment))

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a ticket as fixed, as Sage's release managers do, and name the release where there is a field for it.

        One that is at another commit by now is left open, and told as refused. Raises :class:`TrackerError` where Trac
        fails.
        """
        self._need_user()
        try:
            now = self._get(ticket.number)
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        if now["status"] == "closed":
            return WriteResult()
        if _commit(now) != ticket.commit:
            why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
            return cannot_see(ticket.number, RefusedError(why))
        what = {"_ts": now["_ts"], "status": "closed", "resolution": "fixed"}
        what |= {"merged": release} if "merged" in now else {}
        text = f"Merged in release {{{{{{{release}}}}}}}."
        write = partial(self._rpc.tell, "ticket.update", ticket.number, text, what, False)
        change = Change.of(ticket.number, Part.CLOSING, ticket.commit)
        return carry_out([Planned(change=change, write=write)], refused_before)

    def _need_user(self) -> None:
        if not self._user:
            raise TrackerAccessError(
                f"Telling tickets of {self._base} needs TRAC_USER, with TRAC_PASSWORD or TRAC_TOKEN."
            )

    def _check_name(self, number: int, marker: str) -> None:
        """After the first comment: without knowing it as ours, we would write it again and again."""
        if not self._is_name_checked and self._last_told(number) != marker:
            raise TrackerAccessError(
                f"Our comment on ticket {number} of {self._base} is there, yet not under the name {self._user}: "
                "set TRAC_USER to the name that Trac shows."
            )
        self._is_name_checked = True

    def _get(self, number: int) -> Attributes:
        return self._attributes(number, self._rpc.ask("ticket.get", number))

    def _attributes(self, number: int, row: object) -> Attributes:
        attributes = row[3] if isinstance(row, list) and len(row) == 4 and row[0] == number else None
        if isinstance(attributes, dict):
            known = {key: value for key, value in attributes.items() if isinstance(value, str)}
            if known.keys() >= {"_ts", "status", "summary"}:
                return known
        raise self._rpc.nonsense(f"ticket.get for ticket {number}")

    def _ticket(self, number: int, attributes: Attributes) -> Ticket:
        branch = attributes.get("branch", "").strip()
        labels = (attributes.get(key, "") for key in ("status", "priority", "resolution"))
        return Ticket(
            number=number,
            title=attributes["summary"],
            url=f"{self._base}/ticket/{number}",
            labels=tuple(label for label in labels if label),
            milestone=attributes.get("milestone", ""),
            branch="" if _COMMIT.fullmatch(branch) else branch,  # Sage put the commit there when it closed a ticket
            commit=_commit(attributes),
            depends=attributes.get("dependencies", ""),
            authors=_names(attributes.get("author", "")),
            reviewers=_names(attributes.get("reviewer", "")),
            description=attributes.get("description", ""),
        )

    def _last_told(self, number: int) -> str:
        """The marker of our last comment, empty where there is none. Nobody else's comment counts as ours."""
        told = ""
        for row in self._rows("ticket.changeLog", number):
            match row:
                case [_, str() as author, "comment", _, str() as text, *_]:
                    mine = author.casefold() == self._user.casefold()
                    told = found[1] if mine and (found := _MARKER.match(text)) else told
                case _:
                    pass
        return told

    def _rows(self, method: str, number: int) -> list[list[object]]:
        rows = self._rpc.ask(method, number)
        if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
            raise self._rpc.nonsense(f"{method} for ticket {number}")
        return rows

    def _wanted_action(self, account: Account, now: Attributes) -> str:
        """The workflow action that sends the ticket back, or nothing where its status is to stay."""
        ready = {plain(status) for status in self._config.ready}
        is_sent_back = account.is_at_fault and plain(now["status"]) in ready and not _has_moved(account, now)
        return self._config.at_fault if is_sent_back else ""

    def _no_action(self, number: int, wanted: str, actions: Sequence[str]) -> str:
        return (
            f"Ticket {number} of {self._base} offers {self._user} no action {wanted!r}, only {', '.join(actions)}: "
            f"send it back by hand, and set [tickets] at_fault to one of them, or give {self._user} the permission."
        )

    def _comment(self, account: Account, now: Attributes, marker: str) -> str:
        parts = ["{{{#!comment\nintegrand " + marker + "\n}}}", account.text.strip()]
        if _has_moved(account, now):
            tested = "{{{" + account.commit[:10] + "}}}"
            parts.append(f"Tested was commit {tested}. The ticket has moved on since, so its status is left alone.")
        if _SAFE_URL.fullmatch(account.url):
            parts.append(f"[{account.url} The full report]")
        return in_basic_plane("\n\n".join(parts) + "\n")


def _is_plain_address(url: str) -> bool:
    try:
        address = urlsplit(url)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname) and address.username is None


def _credentials(user: str) -> tuple[AuthBase | None, str, str]:
    """Who asks, by which door, and a word on where that comes from. Raises :class:`TrackerError` for a half of it."""
    password, token = os.environ.get("TRAC_PASSWORD", ""), os.environ.get("TRAC_TOKEN", "")
    way = os.environ.get("TRAC_AUTH", "") or "basic"
    if token:
        return _Bearer(token), "/xmlrpc", "the token is that of TRAC_TOKEN"
    if user and password:
        login = f"the credentials are TRAC_USER and TRAC_PASSWORD, {way}"
        match way:
            case "basic":
                return HTTPBasicAuth(user.encode(), password.encode()), "/login/xmlrpc", login
            case "digest":
                return HTTPDigestAuth(user, password), "/login/xmlrpc", login
            case _:
                raise TrackerError(f"TRAC_AUTH must be basic or digest, not {way!r}.")
    if user or password:
        raise TrackerError("Credentials for Trac are TRAC_USER with TRAC_PASSWORD or TRAC_TOKEN: half of them is set.")
    return None, "/xmlrpc", "nobody is logged in, as TRAC_USER and TRAC_PASSWORD are not set"


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _marker(account: Account) -> str:
    """What must differ for a new comment: the verdict, the commit, and the reason where there is one to act on.

    That a ticket is in today's branch too is no news.
    """
    is_news = account.verdict not in (Verdict.INTEGRATED, Verdict.ALREADY_MERGED)
    said = f"{account.commit}\n{account.summary if is_news else ''}"
    return f"{account.verdict} {hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _has_moved(account: Account, now: Attributes) -> bool:
    commit = _commit(now)
    return bool(commit and account.commit) and commit != account.commit


def _commit(attributes: Attributes) -> str:
    """The reviewed commit. What is written there and is none becomes git's null id, which no branch can be at."""
    commit = attributes.get("commit", "").strip().lower()
    return commit if not commit or _COMMIT.fullmatch(commit) else "0" * 40


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for each in text.split(",") if (name := each.strip()))
