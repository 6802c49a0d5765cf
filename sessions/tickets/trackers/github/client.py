"""Call GitHub's two interfaces (REST and GraphQL) for one repository, and interpret their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.refusals import Change, TicketPart
from sessions.tickets.trackers.github.address import GitHubAddress
from sessions.tickets.trackers.github.queries import CLOSE
from sessions.tickets.trackers.http import Caller

_BY_HAND = ": tell its author by hand, the report has the text."
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
    def name(self) -> str:
        """``OWNER/NAME``."""
        return f"{self.place.owner}/{self.place.name}"

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return GraphQL's data on the repository. It is complete, except that a pull request may be gone.

        Raises :class:`TrackerError` if anything else is missing.
        """
        variables |= {"owner": self.place.owner, "name": self.place.name}
        message = {"query": query, "variables": variables}
        response = self.caller.read("POST", self.place.graphql, json=message, headers=_HEADERS)
        if response.status_code != 200:
            hint, status = _hint(response.status_code), f"HTTP {response.status_code}, {_reason_in(response)}"
            kind = TrackerAccessError if hint else TrackerError
            raise kind(f"GitHub refuses to tell its pull requests in {self.name} ({status}){hint or '.'}")
        answer = self.caller.json(response)
        data = answer.get("data") if isinstance(answer, dict) else None
        wrong = [each for each in (answer.get("errors") or ()) if not _is_gone(each)] if data else True
        if not data or wrong or not data.get("repository"):
            raise TrackerError(f"GitHub does not tell the pull requests of {self.name} ({_reason(answer)}): run again.")
        repository: dict[str, Any] = data["repository"]
        return repository

    def query_pull(self, query: str, number: int, **variables: Any) -> dict[str, Any]:
        """Return GraphQL's data on the repository and one pull request.

        Raises :class:`RefusedError` if the pull request is gone, and :class:`TrackerError` as :meth:`query` does.
        """
        answer = self.query(query, number=number, **variables)
        if answer.get("pullRequest", self) is None:
            raise RefusedError(f"GitHub has no pull request #{number} in {self.name} any more{_BY_HAND}")
        return answer

    def write(
        self, change: Change, method: str, path: str, *, but: tuple[int, ...] = (), locked: bool = False, **kw: Any
    ) -> None:
        """Change a pull request through REST, at ``path`` below the repository's address.

        A status in ``but`` counts as success. ``locked``: the conversation is locked.

        Raises :class:`RefusedError` if GitHub refuses the change, and :class:`TrackerAccessError` if it refuses the
        token.
        """
        response = self.caller.write(method, f"{self.place.rest}/{path}", headers=_HEADERS, **kw)
        if response.ok or response.status_code in but:
            self.caller.json(response)  # an answer that is not JSON is from a proxy, not from GitHub
            return
        status = response.status_code
        message = f"GitHub refuses the {change.part} of #{change.number} in {self.name} (HTTP {status}, "
        message += f"{_reason_in(response)})"
        if status == 401:
            raise TrackerAccessError(message + _hint(status))
        if locked and status == 403:
            remedy = ": unlock its conversation, or let the token's owner be a collaborator."
            raise RefusedError(message + remedy)
        may_be_setup = status in (403, 404) or change.part is TicketPart.LABEL
        raise RefusedError(message + (_hint(status) or _BY_HAND), may_be_setup=may_be_setup)

    def close_pull(self, number: int, node: str) -> None:
        """Close a pull request by its GraphQL id. Raises :class:`RefusedError` where GitHub refuses."""
        message = {"query": CLOSE, "variables": {"id": node}}
        answer = self.caller.json(self.caller.write("POST", self.place.graphql, json=message, headers=_HEADERS))
        if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
            raise RefusedError(
                f"GitHub does not close #{number} in {self.name} ({_reason(answer)}): does the token in GH_TOKEN or "
                "GITHUB_TOKEN allow it? Else close it by hand.",
                may_be_setup=True,
            )


@contextmanager
def expected_shape() -> Iterator[None]:
    """Raise :class:`TrackerError` if an answer does not have the shape that GitHub's schema promises."""
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


def _reason_in(response: requests.Response) -> str:
    try:
        return _reason(response.json())
    except ValueError:
        return "it does not say why"


def _reason(answer: Any) -> str:
    """Return GitHub's reason as one harmless line."""
    answer = answer if isinstance(answer, dict) else {}
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else answer
    message = first.get("message") if isinstance(first, dict) else None
    return harmless_line(str(message or answer.get("message") or "it does not say why"))[:200]
