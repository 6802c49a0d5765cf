"""Call GitHub's two interfaces (REST and GraphQL) for one repository, and interpret their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.tickets.trackers.forge.rest import BY_HAND, RestClient, reason_in, reason_of
from sessions.tickets.trackers.github.address import GitHubAddress
from sessions.tickets.trackers.github.queries import CLOSE, ISSUE
from sessions.tickets.trackers.http import Caller

_GONE = (["repository", "pullRequest"], ["repository", "issueOrPullRequest"])
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "integrand",
}


@dataclass(frozen=True)
class GitHubClient:
    """One repository on GitHub, called with the credentials of ``caller``."""

    place: GitHubAddress
    caller: Caller

    @property
    def rest(self) -> RestClient:
        """The repository in the REST interface."""
        return RestClient(
            forge="GitHub",
            name=self.name,
            base=self.place.rest,
            caller=self.caller,
            tokens="GH_TOKEN or GITHUB_TOKEN",
            headers=_HEADERS,
        )

    @property
    def name(self) -> str:
        """``OWNER/NAME``."""
        return f"{self.place.owner}/{self.place.name}"

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return GraphQL's data on the repository. It is complete, except that a pull request or issue may be gone.

        Raises :class:`TrackerError` if anything else is missing.
        """
        variables |= {"owner": self.place.owner, "name": self.place.name}
        message = {"query": query, "variables": variables}
        response = self.caller.read("POST", self.place.graphql, json=message, headers=_HEADERS)
        if response.status_code != 200:
            hint, status = _hint(response.status_code), f"HTTP {response.status_code}, {reason_in(response)}"
            kind = TrackerAccessError if hint else TrackerError
            raise kind(f"GitHub refuses to tell its pull requests in {self.name} ({status}){hint or '.'}")
        answer = self.caller.json(response)
        data = answer.get("data") if isinstance(answer, dict) else None
        wrong = [each for each in (answer.get("errors") or ()) if not _is_gone(each)] if data else True
        if not data or wrong or not data.get("repository"):
            raise TrackerError(
                f"GitHub does not tell the pull requests of {self.name} ({reason_of(answer)}): run again."
            )
        repository: dict[str, Any] = data["repository"]
        return repository

    def query_pull(self, query: str, number: int, **variables: Any) -> dict[str, Any]:
        """Return GraphQL's data on the repository and one pull request.

        Raises :class:`RefusedError` if the pull request is gone, and :class:`TrackerError` as :meth:`query` does.
        """
        answer = self.query(query, number=number, **variables)
        if answer.get("pullRequest", self) is None:
            raise RefusedError(f"GitHub has no pull request #{number} in {self.name} any more{BY_HAND}")
        return answer

    def is_open(self, number: int) -> bool:
        """Whether an issue or pull request is open. Raises :class:`RefusedError` if it cannot be seen."""
        issue = self.query(ISSUE, number=number)["issueOrPullRequest"]
        if issue is None:
            raise RefusedError(f"GitHub has no issue #{number} in {self.name}.")
        return not issue["closed"]

    def close_pull(self, number: int, node: str) -> None:
        """Close a pull request by its GraphQL id. Raises :class:`RefusedError` if GitHub refuses."""
        message = {"query": CLOSE, "variables": {"id": node}}
        answer = self.caller.json(self.caller.write("POST", self.place.graphql, json=message, headers=_HEADERS))
        if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
            raise RefusedError(
                f"GitHub does not close #{number} in {self.name} ({reason_of(answer)}): does the token in GH_TOKEN or "
                "GITHUB_TOKEN allow it? Else close it by hand.",
                may_be_setup=True,
            )


def _is_gone(error: Any) -> bool:
    """Whether a GraphQL error says only that there is no such pull request or issue."""
    return isinstance(error, dict) and error.get("path") in _GONE


def _hint(status: int) -> str:
    return ": does the token in GH_TOKEN or GITHUB_TOKEN allow it?" if status in (401, 403, 404) else ""
