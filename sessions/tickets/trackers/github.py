"""Pull requests on GitHub: read through GraphQL, a hundred a request; told in one comment, a status and labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

import requests

from sessions.config import Tracker
from sessions.errors import TrackerError
from sessions.narrator import Narrator
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Ticket, Verdict
from sessions.tickets.trackers.github_comment import comment_text, own_comment, says_the_same
from sessions.tickets.trackers.github_place import Place, auth_for, place_of
from sessions.tickets.trackers.github_queries import CLOSE, HEAD, MORE_CHECKS, TICKETS, TOLD
from sessions.tickets.trackers.github_tickets import own_branch, resolve_stacks, ticket_of
from sessions.tickets.trackers.http import Caller

PATIENCE = 300.0
PAUSE = 1.0  # what GitHub asks of those who write: https://docs.github.com/rest/using-the-rest-api/best-practices
CONTEXT = "integrand"
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
    def place(self) -> Place:
        """Where the repository is."""
        return place_of(self.config.url)

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

    def tell(self, account: Account) -> bool:
        """Put ``account`` into our comment, the tested commit's status and the labels, each where it differs.

        Raises :class:`TrackerError` where GitHub refuses; the next call writes what is missing then, and no more.
        """
        with _understood():
            told = self._told(account)
        changes = [self._comment(account, told), self._status(account, told), self._labels(account, told)]
        return any(changes)

    def close(self, ticket: Ticket, release: str) -> bool:
        """Close a pull request that ``release`` contains at ``ticket.commit``.

        Raises :class:`TrackerError` where its head is another one by now, or GitHub refuses.
        """
        with _understood():
            pull = self._ask(HEAD, number=ticket.number)["pullRequest"]
            if pull["state"] != "OPEN":
                return False
            if pull["headRefOid"] != ticket.commit:
                raise TrackerError(f"#{ticket.number} has moved since it was merged into {release}: it is left open.")
            message = {"query": CLOSE, "variables": {"id": pull["id"]}}
        answer = self.caller.json(self.caller.write("POST", self.place.graphql, json=message, headers=_HEADERS))
        if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
            raise TrackerError(f"GitHub does not close #{ticket.number} in {self._name} ({_said(answer)}).")
        return True

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
        variables = {"number": account.number, "commit": account.commit or None, "tested": bool(account.commit)}
        after, ours, answer = None, None, dict[str, Any]()
        while ours is None:
            answer = self._ask(TOLD, after=after, context=CONTEXT, **variables)
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
        }

    def _comment(self, account: Account, told: dict[str, Any]) -> bool:
        text, ours = comment_text(account, self.marker, told["head"]), told["comment"]
        if ours and says_the_same(ours["body"], text):
            return False
        if ours:
            self._write("PATCH", f"issues/comments/{ours['fullDatabaseId']}", json={"body": text})
        else:
            self._write("POST", f"issues/{account.number}/comments", json={"body": text})
        return True

    def _status(self, account: Account, told: dict[str, Any]) -> bool:
        """Set the status of the tested commit, unless GitHub does not have that any more."""
        status = {"state": _state(account.verdict), "description": account.summary}
        status |= {"target_url": account.url} if account.url else {}
        before = told["status"]
        had = before and [before["state"].lower(), before["description"] or ""]
        if told["commit"] is None or had == [status["state"], account.summary]:
            return False
        self._write("POST", f"statuses/{account.commit}", json={**status, "context": CONTEXT})
        return True

    def _labels(self, account: Account, told: dict[str, Any]) -> bool:
        """Move the labels of a ticket at fault, unless its author has pushed since: that may be the remedy."""
        if not (account.is_at_fault and self.config.at_fault) or told["head"] != account.commit:
            return False
        ready = {plain(label) for label in self.config.ready} - {plain(self.config.at_fault)}
        gone = [label for label in told["labels"] if plain(label) in ready]
        for label in gone:
            # Gone already (404) is gone.
            self._write("DELETE", f"issues/{account.number}/labels/{quote(label, safe='')}", but=(404,))
        is_new = plain(self.config.at_fault) not in {plain(label) for label in told["labels"]}
        if is_new:
            self._write("POST", f"issues/{account.number}/labels", json={"labels": [self.config.at_fault]})
        return bool(gone) or is_new

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What GraphQL says of the repository: whole, or :class:`TrackerError`."""
        variables |= {"owner": self.place.owner, "name": self.place.name}
        message = {"query": query, "variables": variables}
        response = self.caller.read("POST", self.place.graphql, json=message, headers=_HEADERS)
        if response.status_code != 200:
            raise self._refusal("tell its pull requests", response)
        answer = self.caller.json(response)
        data = answer.get("data") if isinstance(answer, dict) else None
        if not data or answer.get("errors") or not data.get("repository"):
            raise TrackerError(f"GitHub does not tell the pull requests of {self._name} ({_said(answer)}): run again.")
        repository: dict[str, Any] = data["repository"]
        return repository

    def _write(self, method: str, path: str, *, but: tuple[int, ...] = (), **kw: Any) -> None:
        response = self.caller.write(method, f"{self.place.rest}/{path}", headers=_HEADERS, **kw)
        if not response.ok and response.status_code not in but:
            raise self._refusal(f"take a change ({method} {path})", response)
        self.caller.json(response)  # whoever answers in anything else, it was not GitHub that heard

    def _refusal(self, what: str, response: requests.Response) -> TrackerError:
        try:
            said = _said(response.json())
        except ValueError:
            said = "it does not say why"
        hint = (
            ": does the token in GH_TOKEN or GITHUB_TOKEN allow it?" if response.status_code in (401, 403, 404) else "."
        )
        return TrackerError(f"GitHub refuses to {what} in {self._name} (HTTP {response.status_code}, {said}){hint}")

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
    return Narrator.plain(str(message or answer.get("message") or "it does not say why"))[:200]
