"""The tracker of a repository on Forgejo or Gitea."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError, TrackerAccessError
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.forge.changes import plan_changes
from sessions.tickets.trackers.forge.rest import RestClient, expected_shape
from sessions.tickets.trackers.forge.stacks import resolve_stacks
from sessions.tickets.trackers.gitea.address import GITEA_HOSTS, GiteaAddress, Hosts, address_of, auth_for
from sessions.tickets.trackers.gitea.pull import PAGE, close_pull, read_pull, read_statuses
from sessions.tickets.trackers.gitea.pull_requests import Details, own_branch, ticket_of, with_details
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import PATIENCE


@dataclass(frozen=True)
class GiteaTracker:
    """The pull requests of the repository at ``config.url``. ``labels_only`` leaves out reviews and checks."""

    config: Tracker
    patience: float = PATIENCE
    hosts: Hosts = GITEA_HOSTS
    labels_only: bool = False

    @cached_property
    def place(self) -> GiteaAddress:
        """Where the repository is."""
        return address_of(self.config.url, self.hosts)

    @property
    def url(self) -> str:
        """The repository's address."""
        return self.place.url

    @cached_property
    def caller(self) -> Caller:
        """Makes the calls. A public repository can be read without a token."""
        return Caller(self.hosts.title, auth_for(self.hosts), self.patience)

    @cached_property
    def client(self) -> RestClient:
        """The repository in the REST interface."""
        return RestClient(
            forge=self.hosts.title,
            name=self.place.full_name,
            base=self.place.rest,
            caller=self.caller,
            tokens=" or ".join(self.hosts.tokens),
            total="x-total-count",
        )

    @property
    def marker(self) -> str:
        """The line, hidden on the page, by which our comment is found again."""
        return f"<!-- integrand:{self.place.full_name} -->"

    def read(self) -> tuple[Ticket, ...]:
        """Return all open pull requests, oldest first.

        Reviews, dependencies and checks are read of those whose labels do not already keep them out.

        Raises :class:`TrackerError` where any of them could not be read.
        """
        found: dict[int, Ticket] = {}
        branches: dict[str, int] = {}
        rules = Rules(ready=self.config.ready, never=self.config.never, milestone=None)
        with expected_shape(self.hosts.title):
            for pull in self.client.pages("pulls", state="open", sort="oldest", limit=PAGE):
                ticket = ticket_of(pull)
                if not self.labels_only and why_not(ticket, rules) is None:
                    ticket = with_details(ticket, pull, self._details(pull), self.config.require_checks)
                found[ticket.number] = ticket
                default = pull["base"]["repo"]["default_branch"]
                if (branch := own_branch(pull)) not in ("", default, self.config.target):
                    branches[branch] = ticket.number
        return tuple(ticket for _, ticket in sorted(resolve_stacks(found, branches).items()))

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write ``account`` into our comment, the tested commit's status and the labels, each where it differs.

        Raises :class:`TrackerError` where the forge fails; the next call then writes what is missing.
        """
        try:
            with expected_shape(self.hosts.title):
                pull = read_pull(self.client, account, self.marker, self._viewer)
        except RefusedError as error:
            return cannot_see(account.number, error)
        return carry_out(plan_changes(pull, account, pull.before, self.marker, self.config), refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a pull request that ``release`` contains at ``ticket.commit``.

        One whose head is another by now is left open, and reported as refused. Raises :class:`TrackerError` where the
        forge fails.
        """
        try:
            with expected_shape(self.hosts.title):
                pull = self.client.get(f"pulls/{ticket.number}")
                if pull["state"] != "open":
                    return WriteResult()
                if pull["head"]["sha"] != ticket.commit:
                    why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
                    return cannot_see(ticket.number, RefusedError(why))
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        closing = Planned(change=change, write=partial(close_pull, self.client, change))
        return carry_out([closing], refused_before)

    @cached_property
    def _viewer(self) -> int:
        """Our user's id: of comments, only those by this user are ours."""
        try:
            viewer: int = self.client.get(f"{self.place.api}/user")["id"]
        except RefusedError as error:
            raise TrackerAccessError(f"{error} It needs the scope read:user.") from None
        return viewer

    def _details(self, pull: dict[str, Any]) -> Details:
        """Read what takes requests of its own."""
        number = pull["number"]
        return Details(
            reviews=self.client.pages(f"pulls/{number}/reviews", limit=PAGE),
            dependencies=self._dependencies(number),
            statuses=(read_statuses(self.client, pull["head"]["sha"]) or ()) if self.config.require_checks else (),
        )

    def _dependencies(self, number: int) -> list[Any]:
        """Read what a pull request depends on; nothing where the repository has dependencies turned off."""
        try:
            return self.client.pages(f"issues/{number}/dependencies", limit=PAGE)
        except RefusedError:
            return []
