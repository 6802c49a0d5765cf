"""A tracker on a forge with pull requests: what reading, telling and closing are on all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, Planned, TicketPart, WriteResult, cannot_see, carry_out
from sessions.tickets.trackers.forge.changes import PullWriter, plan_changes
from sessions.tickets.trackers.forge.rest import expected_shape
from sessions.tickets.trackers.forge.stacks import resolve_stacks
from sessions.tickets.trackers.kind import PATIENCE


@dataclass(frozen=True, kw_only=True)
class OpenPull:
    """An open pull request. ``branch`` is the repository's own that it comes from, empty where it is a fork's."""

    ticket: Ticket
    branch: str
    default_branch: str


@dataclass(frozen=True, kw_only=True)
class PullHead:
    """The newest commit of a pull request, and the forge's own ``id`` of the request, if that is needed to close it."""

    commit: str
    is_open: bool
    id: str = ""


@dataclass(frozen=True)
class ForgeTracker(ABC):
    """The pull requests of the repository at ``config.url``; each method may raise :class:`TrackerError`.

    ``labels_only`` leaves out what takes a request for each pull request.
    """

    config: Tracker
    patience: float = PATIENCE
    labels_only: bool = False

    @property
    @abstractmethod
    def forge(self) -> str:
        """The forge's name in sentences."""

    @property
    @abstractmethod
    def repository(self) -> str:
        """The repository's name on the forge."""

    @abstractmethod
    def list_pulls(self) -> Iterator[OpenPull]:
        """All open pull requests, oldest first. An answer of another shape may raise what Python raises for it."""

    @abstractmethod
    def open_pull(self, account: Account, marker: str) -> PullWriter:
        """The pull request of an account. Raises :class:`RefusedError` where it is gone."""

    @abstractmethod
    def read_head(self, number: int) -> PullHead:
        """The newest commit of a pull request. Raises :class:`RefusedError` where it is gone."""

    @abstractmethod
    def close_pull(self, change: Change, head: PullHead) -> None:
        """Close the pull request of a change. Raises :class:`RefusedError` where the forge refuses."""

    def read(self) -> tuple[Ticket, ...]:
        """Return all open pull requests, oldest first.

        Raises :class:`TrackerError` where any of them could not be read.
        """
        found: dict[int, Ticket] = {}
        branches: dict[str, int] = {}
        with expected_shape(self.forge):
            for pull in self.list_pulls():
                found[pull.ticket.number] = pull.ticket
                if pull.branch not in ("", pull.default_branch, self.config.target):
                    branches[pull.branch] = pull.ticket.number
        return tuple(resolve_stacks(found, branches).values())

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write ``account`` into our comment, the tested commit's status and the labels, each where it differs.

        Raises :class:`TrackerError` where the forge fails; the next call then writes what is missing.
        """
        marker = f"<!-- integrand:{self.repository} -->"  # hidden on the page: our comment is found again by it
        try:
            with expected_shape(self.forge):
                pull = self.open_pull(account, marker)
        except RefusedError as error:
            return cannot_see(account.number, error)
        return carry_out(plan_changes(pull, account, marker, self.config), refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a pull request that ``release`` contains at ``ticket.commit``.

        One whose head is another by now is left open, and reported as refused. Raises :class:`TrackerError` where the
        forge fails.
        """
        try:
            with expected_shape(self.forge):
                head = self.read_head(ticket.number)
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        if not head.is_open:
            return WriteResult()
        if head.commit != ticket.commit:
            why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
            return cannot_see(ticket.number, RefusedError(why))
        change = Change.of(ticket.number, TicketPart.CLOSING, head.commit)
        return carry_out([Planned(change=change, write=partial(self.close_pull, change, head))], refused_before)

    def _may_be_ready(self, ticket: Ticket) -> bool:
        """Whether it is worth a request to learn more of a ticket than the list of all has."""
        rules = Rules(ready=self.config.ready, never=self.config.never, milestone=None)
        return not self.labels_only and why_not(ticket, rules) is None
