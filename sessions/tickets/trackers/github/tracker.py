"""The tracker of a GitHub repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.github.address import GitHubAddress, address_of, auth_for
from sessions.tickets.trackers.github.changes import plan_changes, read_state
from sessions.tickets.trackers.github.client import GitHubClient, expected_shape
from sessions.tickets.trackers.github.pull_requests import own_branch, resolve_stacks, ticket_of
from sessions.tickets.trackers.github.queries import HEAD, MORE_CHECKS, TICKETS
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import PATIENCE

PAUSE = 1.0  # seconds between writes: https://docs.github.com/rest/using-the-rest-api/best-practices


@dataclass(frozen=True)
class GitHubTracker:
    """The pull requests of the repository at ``config.url``."""

    config: Tracker
    patience: float = PATIENCE

    @cached_property
    def place(self) -> GitHubAddress:
        """The address of the repository."""
        return address_of(self.config.url)

    @property
    def url(self) -> str:
        """The repository's address in the REST interface."""
        return self.place.rest

    @cached_property
    def caller(self) -> Caller:
        """The HTTP client, with the token of the environment."""
        return Caller("GitHub", auth_for(self.place), self.patience, PAUSE)

    @property
    def client(self) -> GitHubClient:
        """The repository's interfaces."""
        return GitHubClient(self.place, self.caller)

    @property
    def marker(self) -> str:
        """The line that identifies our comment; it is hidden on the page."""
        return f"<!-- integrand:{self.place.owner}/{self.place.name} -->"

    def read(self) -> tuple[Ticket, ...]:
        """Return all open pull requests, oldest first.

        Raises :class:`TrackerError` if any of them could not be read.
        """
        found: dict[int, Ticket] = {}
        branches: dict[str, int] = {}
        required = self.config.require_checks
        for pull, default in self._pulls():
            with expected_shape():
                checks = list(self._checks(pull)) if required else []
                found[pull["number"]] = ticket_of(pull, checks, required)
                if (branch := own_branch(pull)) not in ("", default, self.config.target):
                    branches[branch] = pull["number"]
        return tuple(resolve_stacks(found, branches).values())

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write ``account`` into our comment, the tested commit's status and the labels, if they differ.

        Raises :class:`TrackerError` if GitHub fails; the next call then writes what is missing.
        """
        try:
            with expected_shape():
                state = read_state(self.client, account, self.marker)
        except RefusedError as error:
            return cannot_see(account.number, error)
        return carry_out(plan_changes(self.client, account, state, self.marker, self.config), refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a pull request that ``release`` contains at ``ticket.commit``.

        A pull request with a newer head is left open, and reported as refused. Raises :class:`TrackerError` if GitHub
        fails.
        """
        try:
            with expected_shape():
                pull = self.client.query_pull(HEAD, ticket.number)["pullRequest"]
                if pull["state"] != "OPEN":
                    return WriteResult()
                if pull["headRefOid"] != ticket.commit:
                    why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
                    return cannot_see(ticket.number, RefusedError(why))
                change = Change.of(ticket.number, TicketPart.CLOSING, pull["headRefOid"])
                closing = Planned(change=change, write=partial(self.client.close_pull, ticket.number, pull["id"]))
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        return carry_out([closing], refused_before)

    def _pulls(self) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield all open pull requests, each with the name of the repository's default branch."""
        after = None
        while True:
            with expected_shape():
                answer = self.client.query(TICKETS, after=after, checks=bool(self.config.require_checks))
                pulls, default = answer["pullRequests"], answer["defaultBranchRef"] or {"name": ""}
                found = [(pull, default["name"]) for pull in pulls["nodes"]]
                after = pulls["pageInfo"]["endCursor"] if pulls["pageInfo"]["hasNextPage"] else None
            yield from found
            if after is None:
                return

    def _checks(self, pull: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all checks of a pull request's head; a matrix can have more than fit into the first answer."""
        while rollup := pull["statusCheckRollup"]:
            contexts = rollup["contexts"]
            yield from contexts["nodes"]
            if not contexts["pageInfo"]["hasNextPage"]:
                return
            more = self.client.query(MORE_CHECKS, number=pull["number"], after=contexts["pageInfo"]["endCursor"])
            pull = {**pull, **more["pullRequest"]}
