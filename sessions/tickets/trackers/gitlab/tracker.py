"""The tracker of a GitLab project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sessions.terminal.errors import TrackerAccessError
from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.forge.rest import RestClient
from sessions.tickets.trackers.forge.token import token_names
from sessions.tickets.trackers.forge.tracker import ForgeTracker, OpenPull, PullHead
from sessions.tickets.trackers.gitlab.address import GITLAB_TOKENS, Access, GitLabAddress, access_to, locate_project
from sessions.tickets.trackers.gitlab.merge_requests import (
    PIPELINE,
    RequestDetails,
    request_branch,
    request_ticket,
    with_request_details,
)
from sessions.tickets.trackers.gitlab.pull import PAGE, GitLabRequest, read_request
from sessions.tickets.trackers.http import Caller


@dataclass(frozen=True)
class GitLabTracker(ForgeTracker):
    """The merge requests of the project at ``config.url``."""

    @cached_property
    def place(self) -> GitLabAddress:
        """Where the project is."""
        return locate_project(self.config.url)

    @property
    def url(self) -> str:
        """The project's address."""
        return self.place.url

    @property
    def forge(self) -> str:
        """The forge's name in sentences."""
        return "GitLab"

    @property
    def repository(self) -> str:
        """The project's path, or its id."""
        return self.place.project

    @cached_property
    def caller(self) -> Caller:
        """Makes the calls. GitLab asks for no pause between writes: where it limits them, it answers 429."""
        return Caller("GitLab", self._access.auth, self.patience)

    @cached_property
    def client(self) -> RestClient:
        """The project in the REST interface."""
        return RestClient(
            forge="GitLab",
            name=self.place.project,
            base=self.place.rest,
            caller=self.caller,
            tokens="CI_JOB_TOKEN" if self._access.is_job else self._access.tokens,
            total="x-total",
            owner=f"{self.place.root}/api/v4/user",
        )

    @cached_property
    def _access(self) -> Access:
        return access_to(self.place, token_names(self.config, GITLAB_TOKENS))

    def list_pulls(self) -> Iterator[OpenPull]:
        """All open merge requests, oldest first."""
        has_project = not (self._access.is_job or self.labels_only)
        project = self.client.find("") or {} if has_project else {}
        order = {"state": "opened", "order_by": "created_at", "sort": "asc", "per_page": PAGE}
        for request in self.client.pages("merge_requests", **order):
            ticket = request_ticket(request)
            if self._may_be_ready(ticket):
                details = self._details(request)
                ticket = with_request_details(ticket, request, details, self.config.require_checks)
            default = str(project.get("default_branch") or "")
            yield OpenPull(ticket=ticket, branch=request_branch(request), default_branch=default)

    def open_pull(self, account: Account, marker: str) -> GitLabRequest:
        """The merge request of an account."""
        self._access.check_may_write()
        return read_request(self.client, account, marker)

    def read_head(self, number: int) -> PullHead:
        """The newest commit of a merge request."""
        request = self.client.get(f"merge_requests/{number}")
        return PullHead(commit=request["sha"] or "", is_open=request["state"] == "opened")

    def close_pull(self, change: Change, head: PullHead) -> None:  # noqa: ARG002  its number is enough
        """Close the merge request of a change."""
        self._access.check_may_write()
        self.client.write(change, "PUT", f"merge_requests/{change.number}", json={"state_event": "close"})

    def _details(self, request: dict[str, Any]) -> RequestDetails:
        """Read what takes requests of its own. The token of a CI job may read nothing but merge requests."""
        path, required = f"merge_requests/{request['iid']}", self.config.require_checks
        if self._access.is_job:
            if self.config.approvals or set(required) - {PIPELINE}:
                raise TrackerAccessError(
                    f"GitLab shows approvals and checks to no job's token: set {self._access.tokens}."
                )
            return RequestDetails(pipeline=self.client.get(path)["head_pipeline"] if required else None)
        details = RequestDetails(
            approvals=self.client.find(f"{path}/approvals") or {},
            reviewers=self.client.get(f"{path}/reviewers") if request["reviewers"] else (),
            blocks=self.client.find_pages(f"{path}/blocks", per_page=PAGE),
        )
        if not required or not request["sha"]:
            return details
        statuses = self.client.find_pages(f"repository/commits/{request['sha']}/statuses", per_page=PAGE)
        return replace(details, pipeline=self.client.get(path).get("head_pipeline"), statuses=statuses)
