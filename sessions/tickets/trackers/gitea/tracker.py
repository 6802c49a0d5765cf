"""The tracker of a repository on Forgejo or Gitea."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.forge.issues import open_issues
from sessions.tickets.trackers.forge.rest import RestClient
from sessions.tickets.trackers.forge.token import find_token, token_names
from sessions.tickets.trackers.forge.tracker import ForgeTracker, OpenPull, PullHead
from sessions.tickets.trackers.gitea.address import GITEA_HOSTS, GiteaAddress, Hosts, locate_repository
from sessions.tickets.trackers.gitea.pull import PAGE, GiteaPull, read_pull, read_statuses
from sessions.tickets.trackers.gitea.pull_requests import PullDetails, pull_branch, pull_ticket, with_pull_details
from sessions.tickets.trackers.http import Caller


@dataclass(frozen=True)
class GiteaTracker(ForgeTracker):
    """The pull requests of the repository at ``config.url``."""

    hosts: Hosts = GITEA_HOSTS

    @cached_property
    def place(self) -> GiteaAddress:
        """Where the repository is."""
        return locate_repository(self.config.url, self.hosts)

    @property
    def url(self) -> str:
        """The repository's address."""
        return self.place.url

    @property
    def forge(self) -> str:
        """The forge's name in sentences."""
        return self.hosts.title

    @property
    def repository(self) -> str:
        """``OWNER/NAME``."""
        return self.place.full_name

    @cached_property
    def caller(self) -> Caller:
        """Makes the calls. A public repository can be read without a token."""
        return Caller(self.hosts.title, find_token(token_names(self.config, self.hosts.tokens)), self.patience)

    @cached_property
    def client(self) -> RestClient:
        """The repository in the REST interface."""
        return RestClient(
            forge=self.hosts.title,
            name=self.place.full_name,
            base=self.place.rest,
            caller=self.caller,
            tokens=" or ".join(token_names(self.config, self.hosts.tokens)),
            total="x-total-count",
            owner=f"{self.place.api}/user",
        )

    def list_pulls(self) -> Iterator[OpenPull]:
        """All open pull requests, oldest first."""
        for pull in self.client.pages("pulls", state="open", sort="oldest", limit=PAGE):
            ticket = pull_ticket(pull)
            if self._may_be_ready(ticket):
                ticket = with_pull_details(ticket, pull, self._details(pull), self.config.require_checks)
            default = pull["base"]["repo"]["default_branch"]
            yield OpenPull(ticket=ticket, branch=pull_branch(pull), default_branch=default)

    def open_pull(self, account: Account, marker: str) -> GiteaPull:
        """The pull request of an account."""
        return read_pull(self.client, account, marker)

    def read_head(self, number: int) -> PullHead:
        """The newest commit of a pull request."""
        pull = self.client.get(f"pulls/{number}")
        return PullHead(commit=pull["head"]["sha"], is_open=pull["state"] == "open")

    def close_pull(self, change: Change, head: PullHead) -> None:  # noqa: ARG002  its number is enough
        """Close the pull request of a change."""
        self.client.write(change, "PATCH", f"pulls/{change.number}", json={"state": "closed"})

    def open_issues(self, numbers: Collection[int]) -> frozenset[int]:
        """Return which of these issues and pull requests are open."""
        return open_issues(self.forge, numbers, lambda each: self.client.get(f"issues/{each}")["state"] == "open")

    def _details(self, pull: dict[str, Any]) -> PullDetails:
        """Read what takes requests of its own."""
        number, required = pull["number"], self.config.require_checks
        return PullDetails(
            reviews=self.client.pages(f"pulls/{number}/reviews", limit=PAGE),
            dependencies=self.client.find_pages(f"issues/{number}/dependencies", limit=PAGE),  # none if turned off
            statuses=read_statuses(self.client, pull["head"]["sha"]) if required else (),
        )
