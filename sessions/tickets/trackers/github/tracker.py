"""The tracker of a GitHub repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.forge.issues import open_issues
from sessions.tickets.trackers.forge.tracker import ForgeTracker, OpenPull, PullHead
from sessions.tickets.trackers.github.address import GitHubAddress, address_of, auth_for
from sessions.tickets.trackers.github.changes import GitHubPull, read_state
from sessions.tickets.trackers.github.client import GitHubClient
from sessions.tickets.trackers.github.pull_requests import own_branch, ticket_of
from sessions.tickets.trackers.github.queries import HEAD, MORE_CHECKS, TICKETS
from sessions.tickets.trackers.http import Caller

PAUSE = 1.0  # seconds between writes: https://docs.github.com/rest/using-the-rest-api/best-practices


@dataclass(frozen=True)
class GitHubTracker(ForgeTracker):
    """The pull requests of the repository at ``config.url``."""

    @cached_property
    def place(self) -> GitHubAddress:
        """The address of the repository."""
        return address_of(self.config.url)

    @property
    def url(self) -> str:
        """The repository's address in the REST interface."""
        return self.place.rest

    @property
    def forge(self) -> str:
        """The forge's name in sentences."""
        return "GitHub"

    @property
    def repository(self) -> str:
        """``OWNER/NAME``."""
        return self.client.name

    @cached_property
    def caller(self) -> Caller:
        """The HTTP client, with the token of the environment."""
        return Caller("GitHub", auth_for(self.place, self.config.token), self.patience, PAUSE)

    @property
    def client(self) -> GitHubClient:
        """The repository's interfaces."""
        return GitHubClient(self.place, self.caller)

    def list_pulls(self) -> Iterator[OpenPull]:
        """All open pull requests, oldest first."""
        after, required = None, self.config.require_checks
        while True:
            answer = self.client.query(TICKETS, after=after, checks=bool(required))
            default = (answer["defaultBranchRef"] or {"name": ""})["name"]
            for pull in answer["pullRequests"]["nodes"]:
                checks = list(self._checks(pull)) if required else []
                ticket = ticket_of(pull, checks, required)
                yield OpenPull(ticket=ticket, branch=own_branch(pull), default_branch=default)
            page = answer["pullRequests"]["pageInfo"]
            if not page["hasNextPage"]:
                return
            after = page["endCursor"]

    def open_pull(self, account: Account, marker: str) -> GitHubPull:
        """The pull request of an account."""
        before = read_state(self.client, account, marker)
        return GitHubPull(client=self.client, number=account.number, before=before)

    def read_head(self, number: int) -> PullHead:
        """The newest commit of a pull request."""
        pull = self.client.query_pull(HEAD, number)["pullRequest"]
        return PullHead(commit=pull["headRefOid"], is_open=pull["state"] == "OPEN", id=pull["id"])

    def close_pull(self, change: Change, head: PullHead) -> None:
        """Close the pull request of a change."""
        self.client.close_pull(change.number, head.id)

    def open_issues(self, numbers: Collection[int]) -> frozenset[int]:
        """Return which of these issues and pull requests are open."""
        return open_issues(self.forge, numbers, self.client.is_open)

    def _checks(self, pull: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all checks of a pull request's head; a matrix can have more than fit into the first answer."""
        while rollup := pull["statusCheckRollup"]:
            contexts = rollup["contexts"]
            yield from contexts["nodes"]
            if not contexts["pageInfo"]["hasNextPage"]:
                return
            more = self.client.query(MORE_CHECKS, number=pull["number"], after=contexts["pageInfo"]["endCursor"])
            pull = {**pull, **more["pullRequest"]}
