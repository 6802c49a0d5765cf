"""What a pull request on GitHub has now, and how it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.characters import in_basic_plane
from sessions.tickets.trackers.forge.changes import CONTEXT, OwnComment, OwnStatus, PullState
from sessions.tickets.trackers.forge.comment import MAX_COMMENT
from sessions.tickets.trackers.github.client import GitHubClient
from sessions.tickets.trackers.github.queries import PRESENT

_LONGEST_STATUS = 140  # characters: "description is too long (maximum is 140 characters)"


def read_state(client: GitHubClient, account: Account, marker: str) -> PullState:
    """Read the state of a pull request. Raises :class:`RefusedError` if it is gone."""
    variables = {"commit": account.commit or None, "tested": bool(account.commit)}
    after, ours, answer = None, None, dict[str, Any]()
    while ours is None:
        answer = client.query_pull(PRESENT, account.number, after=after, context=CONTEXT, **variables)
        comments = answer["pullRequest"]["comments"]
        ours = _own_comment(comments["nodes"], marker)
        if not comments["pageInfo"]["hasNextPage"]:
            break
        after = comments["pageInfo"]["endCursor"]
    pull, commit = answer["pullRequest"], answer.get("object")
    status = ((commit or {}).get("status") or {}).get("context")
    return PullState(
        comment=ours,
        status=OwnStatus(state=status["state"].lower(), description=status["description"] or "") if status else None,
        has_commit=commit is not None,
        labels=tuple(label["name"] for label in pull["labels"]["nodes"]),
        head=pull["headRefOid"],
        locked=pull["locked"],
    )


@dataclass(frozen=True, kw_only=True)
class GitHubPull:
    """The pull request ``number``, as it was ``before`` it is written to."""

    client: GitHubClient
    number: int
    before: PullState
    longest_comment: int = MAX_COMMENT

    def kept_status(self, status: OwnStatus) -> OwnStatus:
        """Return the status with a description that GitHub accepts."""
        text = in_basic_plane(status.description)
        short = text if len(text) <= _LONGEST_STATUS else text[: _LONGEST_STATUS - 1] + "…"
        return OwnStatus(state=status.state, description=short)

    def write_comment(self, change: Change, text: str) -> None:
        """Write our comment, or replace its text."""
        ours = self.before.comment
        method, path = ("PATCH", f"issues/comments/{ours.id}") if ours else ("POST", f"issues/{self.number}/comments")
        self.client.rest.write(change, method, path, json={"body": text}, locked=self.before.locked)

    def set_status(self, change: Change, commit: str, status: OwnStatus, url: str) -> None:
        """Set our status of a commit."""
        body = {"state": status.state, "description": status.description, "context": CONTEXT}
        body |= {"target_url": url} if url else {}
        self.client.rest.write(change, "POST", f"statuses/{commit}", json=body)

    def add_label(self, change: Change, label: str) -> None:
        """Add a label, which GitHub makes where there is none of that name."""
        self.client.rest.write(change, "POST", f"issues/{self.number}/labels", json={"labels": [label]})

    def remove_label(self, change: Change, label: str) -> None:
        """Remove a label. Status 404 tells that somebody else has removed it."""
        path = f"issues/{self.number}/labels/{quote(label, safe='')}"
        self.client.rest.write(change, "DELETE", path, but=(404,))


def _own_comment(comments: Iterable[Mapping[str, Any]], marker: str) -> OwnComment | None:
    """Return the first comment with our marker that we wrote: anybody can copy the marker."""
    ours = (each for each in comments if each["viewerDidAuthor"] and each["body"].startswith(marker))
    first = next(ours, None)
    return OwnComment(id=str(first["fullDatabaseId"]), body=first["body"]) if first else None
