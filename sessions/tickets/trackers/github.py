"""Pull requests on GitHub: read through GraphQL, a hundred a request; told in one comment, a status and labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal
from urllib.parse import quote

import requests

from sessions.settings.configuration import Tracker
from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.refusals import Change, Part, Planned, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.characters import in_basic_plane
from sessions.tickets.trackers.github_address import GitHubAddress, address_of, auth_for
from sessions.tickets.trackers.github_comment import comment_text, matter, own_comment, says_the_same
from sessions.tickets.trackers.github_queries import CLOSE, HEAD, MORE_CHECKS, TICKETS, TOLD
from sessions.tickets.trackers.github_tickets import own_branch, resolve_stacks, ticket_of
from sessions.tickets.trackers.http import Caller

PATIENCE = 300.0
PAUSE = 1.0  # what GitHub asks of those who write: https://docs.github.com/rest/using-the-rest-api/best-practices
CONTEXT = "integrand"
_LONGEST_STATUS = 140  # characters: "description is too long (maximum is 140 characters)"
_BY_HAND = ": tell its author by hand, the report has the text."
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "integrand",
}


@dataclass(frozen=True)
class GitHubTracker:
    """The pull requests of the repository at ``config.url``."""

    config: Tracker
    dialect: Literal["markdown"] = field(default="markdown", init=False)
    patience: float = PATIENCE

    @cached_property
    def place(self) -> GitHubAddress:
        """Where the repository is."""
        return address_of(self.config.url)

    @cached_property
    def caller(self) -> Caller:
        """Who calls it, with the token of the environment."""
        return Caller("GitHub", auth_for(self.place), self.patience, PAUSE)

    @property
    def marker(self) -> str:
        """The line, hidden on the page, by which our comment is found again."""
        return f"<!-- integrand:{self.place.owner}/{self.place.name} -->"

    def read(self) -> tuple[Ticket, ...]:
        """All open pull requests, oldest first.

        Raises :class:`TrackerError` where any of them could not be read.
        """
        found: dict[int, Ticket] = {}
        branches: dict[str, int] = {}
        required = self.config.require_checks
        for pull, default in self._pulls():
            with _understood():
                checks = list(self._checks(pull)) if required else []
                found[pull["number"]] = ticket_of(pull, checks, required)
                if (branch := own_branch(pull)) not in ("", default, self.config.target):
                    branches[branch] = pull["number"]
        return tuple(resolve_stacks(found, branches).values())

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Put ``account`` into our comment, the tested commit's status and the labels, each where it differs.

        Raises :class:`TrackerError` where GitHub fails; the next call writes what is missing then, and no more.
        """
        try:
            with _understood():
                told = self._told(account)
        except RefusedError as error:
            return cannot_see(account.number, error)
        comment, status = self._comment(account, told), self._status(account, told)
        return carry_out([*comment, *status, *self._labels(account, told)], refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a pull request that ``release`` contains at ``ticket.commit``.

        One whose head is another by now is left open, and told as refused. Raises :class:`TrackerError` where GitHub
        fails.
        """
        try:
            with _understood():
                pull = self._pull(HEAD, ticket.number)["pullRequest"]
                if pull["state"] != "OPEN":
                    return WriteResult()
                if pull["headRefOid"] != ticket.commit:
                    why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
                    return cannot_see(ticket.number, RefusedError(why))
                change = Change.of(ticket.number, Part.CLOSING, pull["headRefOid"])
                closing = Planned(change=change, write=partial(self._close, ticket.number, pull["id"]))
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        return carry_out([closing], refused_before)

    def _close(self, number: int, node: str) -> None:
        message = {"query": CLOSE, "variables": {"id": node}}
        answer = self.caller.json(self.caller.write("POST", self.place.graphql, json=message, headers=_HEADERS))
        if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
            raise RefusedError(
                f"GitHub does not close #{number} in {self._name} ({_said(answer)}): does the token in GH_TOKEN or "
                "GITHUB_TOKEN allow it? Else close it by hand.",
                may_be_setup=True,
            )

    def _pulls(self) -> Iterator[tuple[dict[str, Any], str]]:
        """All open pull requests, and the name of the repository's default branch."""
        after = None
        while True:
            with _understood():
                answer = self._ask(TICKETS, after=after, checks=bool(self.config.require_checks))
                pulls, default = answer["pullRequests"], answer["defaultBranchRef"] or {"name": ""}
                found = [(pull, default["name"]) for pull in pulls["nodes"]]
                after = pulls["pageInfo"]["endCursor"] if pulls["pageInfo"]["hasNextPage"] else None
            yield from found
            if after is None:
                return

    def _checks(self, pull: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All checks of a pull request's head; a matrix can have more than come along with it."""
        while rollup := pull["statusCheckRollup"]:
            contexts = rollup["contexts"]
            yield from contexts["nodes"]
            if not contexts["pageInfo"]["hasNextPage"]:
                return
            more = self._ask(MORE_CHECKS, number=pull["number"], after=contexts["pageInfo"]["endCursor"])
            pull = {**pull, **more["pullRequest"]}

    def _told(self, account: Account) -> dict[str, Any]:
        """What a pull request was told before: its ``comment``, ``status``, ``labels`` and ``head``."""
        variables = {"commit": account.commit or None, "tested": bool(account.commit)}
        after, ours, answer = None, None, dict[str, Any]()
        while ours is None:
            answer = self._pull(TOLD, account.number, after=after, context=CONTEXT, **variables)
            comments = answer["pullRequest"]["comments"]
            ours = own_comment(comments["nodes"], self.marker)
            if not comments["pageInfo"]["hasNextPage"]:
                break
            after = comments["pageInfo"]["endCursor"]
        pull, commit = answer["pullRequest"], answer.get("object")
        return {
            "comment": ours,
            "commit": commit,
            "status": ((commit or {}).get("status") or {}).get("context"),
            "labels": [label["name"] for label in pull["labels"]["nodes"]],
            "head": pull["headRefOid"],
            "locked": pull["locked"],
        }

    def _comment(self, account: Account, told: dict[str, Any]) -> Iterator[Planned]:
        text, ours = comment_text(account, self.marker, told["head"]), told["comment"]
        if ours and says_the_same(ours["body"], text):
            return
        where = (
            ("PATCH", f"issues/comments/{ours['fullDatabaseId']}")
            if ours
            else ("POST", f"issues/{account.number}/comments")
        )
        # A conversation that is unlocked is a reason to try again.
        change = Change.of(account.number, Part.COMMENT, matter(text), told["locked"])
        yield Planned(
            change=change, write=partial(self._write, change, *where, json={"body": text}, locked=told["locked"])
        )

    def _status(self, account: Account, told: dict[str, Any]) -> Iterator[Planned]:
        """Set the status of the tested commit, unless GitHub does not have that any more."""
        description = in_basic_plane(account.summary)
        description = description if len(description) <= _LONGEST_STATUS else description[: _LONGEST_STATUS - 1] + "…"
        status = {"state": _state(account.verdict), "description": description, "context": CONTEXT}
        before = told["status"]
        had = before and [before["state"].lower(), before["description"] or ""]
        if told["commit"] is None or had == [status["state"], description]:
            return
        change = Change.of(account.number, Part.STATUS, account.commit, status["state"], description)
        status |= {"target_url": account.url} if account.url else {}
        yield Planned(
            change=change, write=partial(self._write, change, "POST", f"statuses/{account.commit}", json=status)
        )

    def _labels(self, account: Account, told: dict[str, Any]) -> Iterator[Planned]:
        """Move the labels of a ticket at fault, unless its author has pushed since: that may be the remedy."""
        if not (account.is_at_fault and self.config.at_fault) or told["head"] != account.commit:
            return
        there = f"issues/{account.number}/labels"
        if plain(self.config.at_fault) not in {plain(label) for label in told["labels"]}:
            change = Change.of(account.number, Part.LABEL, account.commit, self.config.at_fault)
            yield Planned(
                change=change,
                write=partial(self._write, change, "POST", there, json={"labels": [self.config.at_fault]}),
            )
        ready = {plain(label) for label in self.config.ready} - {plain(self.config.at_fault)}
        for label in (label for label in told["labels"] if plain(label) in ready):
            change = Change.of(account.number, Part.LABEL_REMOVAL, account.commit, label)
            # Gone already (404) is gone.
            yield Planned(
                change=change,
                write=partial(self._write, change, "DELETE", f"{there}/{quote(label, safe='')}", but=(404,)),
            )

    def _pull(self, query: str, number: int, **variables: Any) -> dict[str, Any]:
        """What GraphQL says of the repository and one pull request. Raises :class:`RefusedError` where that is gone."""
        answer = self._ask(query, number=number, **variables)
        if answer.get("pullRequest", self) is None:
            raise RefusedError(f"GitHub has no pull request #{number} in {self._name} any more{_BY_HAND}")
        return answer

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What GraphQL says of the repository: whole but for a pull request that is gone, or :class:`TrackerError`."""
        variables |= {"owner": self.place.owner, "name": self.place.name}
        message = {"query": query, "variables": variables}
        response = self.caller.read("POST", self.place.graphql, json=message, headers=_HEADERS)
        if response.status_code != 200:
            hint, status = _hint(response.status_code), f"HTTP {response.status_code}, {_said_in(response)}"
            kind = TrackerAccessError if hint else TrackerError
            raise kind(f"GitHub refuses to tell its pull requests in {self._name} ({status}){hint or '.'}")
        answer = self.caller.json(response)
        data = answer.get("data") if isinstance(answer, dict) else None
        wrong = [each for each in (answer.get("errors") or ()) if not _is_gone(each)] if data else True
        if not data or wrong or not data.get("repository"):
            raise TrackerError(f"GitHub does not tell the pull requests of {self._name} ({_said(answer)}): run again.")
        repository: dict[str, Any] = data["repository"]
        return repository

    def _write(
        self, change: Change, method: str, path: str, *, but: tuple[int, ...] = (), locked: bool = False, **kw: Any
    ) -> None:
        """Raises :class:`RefusedError` where GitHub refuses."""
        response = self.caller.write(method, f"{self.place.rest}/{path}", headers=_HEADERS, **kw)
        if response.ok or response.status_code in but:
            self.caller.json(response)  # whoever answers in anything else, it was not GitHub that heard
            return
        status = response.status_code
        why = f"HTTP {status}, {_said_in(response)}"
        said = f"GitHub refuses the {change.part} of #{change.number} in {self._name} ({why})"
        if status == 401:
            raise TrackerAccessError(said + _hint(status))
        if locked and status == 403:
            remedy = ": unlock its conversation, or let the token's owner be a collaborator."
            raise RefusedError(said + remedy)
        may_be_setup = status in (403, 404) or change.part is Part.LABEL
        raise RefusedError(said + (_hint(status) or _BY_HAND), may_be_setup=may_be_setup)

    @property
    def _name(self) -> str:
        return f"{self.place.owner}/{self.place.name}"


@contextmanager
def _understood() -> Iterator[None]:
    """Half an answer, or one of another shape than GitHub's schema promises, is none."""
    try:
        yield
    except (AttributeError, KeyError, TypeError):
        raise TrackerError(
            "GitHub answered in a form that it should not: nothing of it was taken, run again."
        ) from None


def _is_gone(error: Any) -> bool:
    """Whether a GraphQL error says only that there is no such pull request."""
    return isinstance(error, dict) and error.get("path") == ["repository", "pullRequest"]


def _hint(status: int) -> str:
    return ": does the token in GH_TOKEN or GITHUB_TOKEN allow it?" if status in (401, 403, 404) else ""


def _said_in(response: requests.Response) -> str:
    try:
        return _said(response.json())
    except ValueError:
        return "it does not say why"


def _state(verdict: Verdict) -> str:
    match verdict:
        case Verdict.INTEGRATED | Verdict.ALREADY_MERGED:
            return "success"
        case Verdict.CULPRIT | Verdict.CONFLICT:
            return "failure"
        case Verdict.UNFETCHABLE:
            return "error"
        case _:  # it waits for another ticket, a label, or time
            return "pending"


def _said(answer: Any) -> str:
    """What GitHub gives as the reason, in one harmless line."""
    answer = answer if isinstance(answer, dict) else {}
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else answer
    message = first.get("message") if isinstance(first, dict) else None
    return harmless_line(str(message or answer.get("message") or "it does not say why"))[:200]
