"""The tracker of a GitLab project."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
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
from sessions.tickets.trackers.gitlab.address import Access, GitLabAddress, access_to, address_of
from sessions.tickets.trackers.gitlab.merge_requests import PIPELINE, Details, own_branch, ticket_of, with_details
from sessions.tickets.trackers.gitlab.pull import PAGE, close_request, read_request
from sessions.tickets.trackers.http import Caller
from sessions.tickets.trackers.kind import PATIENCE


@dataclass(frozen=True)
class GitLabTracker:
    """The merge requests of the project at ``config.url``. ``labels_only`` leaves out reviews and checks."""

    config: Tracker
    patience: float = PATIENCE
    labels_only: bool = False

    @cached_property
    def place(self) -> GitLabAddress:
        """Where the project is."""
        return address_of(self.config.url)

    @property
    def url(self) -> str:
        """The project's address."""
        return self.place.url

    @cached_property
    def access(self) -> Access:
        """With which token the project is asked."""
        return access_to(self.place)

    @cached_property
    def caller(self) -> Caller:
        """Makes the calls. GitLab asks for no pause between writes: where it limits them, it answers 429."""
        return Caller("GitLab", self.access.auth, self.patience)

    @cached_property
    def client(self) -> RestClient:
        """The project in the REST interface."""
        return RestClient(
            forge="GitLab",
            name=self.place.project,
            base=self.place.rest,
            caller=self.caller,
            tokens="CI_JOB_TOKEN" if self.access.is_job else "GITLAB_TOKEN",
            total="x-total",
        )

    @property
    def marker(self) -> str:
        """The line, hidden on the page, by which our comment is found again."""
        return f"<!-- integrand:{self.place.project} -->"

    def read(self) -> tuple[Ticket, ...]:
        """Return all open merge requests, oldest first.

        Reviews, dependencies and checks are read of those whose labels do not already keep them out.

        Raises :class:`TrackerError` where any of them could not be read.
        """
        found: dict[int, Ticket] = {}
        branches: dict[str, int] = {}
        rules = Rules(ready=self.config.ready, never=self.config.never, milestone=None)
        with expected_shape("GitLab"):
            default = self._default_branch()
            order = {"state": "opened", "order_by": "created_at", "sort": "asc", "per_page": PAGE}
            for request in self.client.pages("merge_requests", **order):
                ticket = ticket_of(request)
                if not self.labels_only and why_not(ticket, rules) is None:
                    ticket = with_details(ticket, request, self._details(request), self.config.require_checks)
                found[ticket.number] = ticket
                if (branch := own_branch(request)) not in ("", default, self.config.target):
                    branches[branch] = ticket.number
        return tuple(resolve_stacks(found, branches).values())

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write ``account`` into our comment, the tested commit's status and the labels, each where it differs.

        Raises :class:`TrackerError` where GitLab fails; the next call then writes what is missing.
        """
        self._check_may_write()
        try:
            with expected_shape("GitLab"):
                request = read_request(self.client, account, self.marker, self._viewer)
        except RefusedError as error:
            return cannot_see(account.number, error)
        return carry_out(plan_changes(request, account, request.before, self.marker, self.config), refused_before)

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a merge request that ``release`` contains at ``ticket.commit``.

        One whose head is another by now is left open, and reported as refused. Raises :class:`TrackerError` where
        GitLab fails.
        """
        self._check_may_write()
        try:
            with expected_shape("GitLab"):
                request = self.client.get(f"merge_requests/{ticket.number}")
                if request["state"] != "opened":
                    return WriteResult()
                if request["sha"] != ticket.commit:
                    why = f"#{ticket.number} has moved since it was merged into {release}: it is left open."
                    return cannot_see(ticket.number, RefusedError(why))
        except RefusedError as error:
            return cannot_see(ticket.number, error)
        change = Change.of(ticket.number, TicketPart.CLOSING, ticket.commit)
        closing = Planned(change=change, write=partial(close_request, self.client, change))
        return carry_out([closing], refused_before)

    @cached_property
    def _viewer(self) -> int:
        """Our user's id: of comments, only those by this user are ours."""
        try:
            viewer: int = self.client.get(f"{self.place.root}/api/v4/user")["id"]
        except RefusedError as error:
            raise TrackerAccessError(str(error)) from None
        return viewer

    def _default_branch(self) -> str:
        """The project's default branch; empty where it is not shown, as to the token of a CI job."""
        project = {} if self.access.is_job or self.labels_only else self.client.find("") or {}
        return str(project.get("default_branch") or "")

    def _details(self, request: dict[str, Any]) -> Details:
        """Read what takes requests of its own. The token of a CI job may read nothing but merge requests."""
        path, required = f"merge_requests/{request['iid']}", self.config.require_checks
        if self.access.is_job:
            if self.config.approvals or set(required) - {PIPELINE}:
                raise TrackerAccessError("GitLab shows approvals and checks to no job's token: set GITLAB_TOKEN.")
            return Details(pipeline=self.client.get(path)["head_pipeline"] if required else None)
        details = Details(
            approvals=self.client.find(f"{path}/approvals") or {},
            reviewers=self.client.get(f"{path}/reviewers") if request["reviewers"] else (),
            blocks=self.client.find(f"{path}/blocks") or (),
        )
        if not required or not request["sha"]:
            return details
        statuses = self._statuses(request["sha"])
        return replace(details, pipeline=self.client.get(path).get("head_pipeline"), statuses=statuses)

    def _statuses(self, commit: str) -> list[Any]:
        """Read all statuses of a commit, of which there are none where GitLab does not have the commit."""
        try:
            return self.client.pages(f"repository/commits/{commit}/statuses", per_page=PAGE)
        except RefusedError:
            return []

    def _check_may_write(self) -> None:
        if self.access.auth is None or self.access.is_job:
            raise TrackerAccessError(
                "GitLab lets nobody write without a token, and a job's may only read: set GITLAB_TOKEN."
            )
