"""What a pull request on Forgejo or Gitea has now, and how it is written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.terminal.errors import RefusedError
from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.forge.changes import CONTEXT, OwnComment, OwnStatus, PullState
from sessions.tickets.trackers.forge.comment import MAX_COMMENT
from sessions.tickets.trackers.forge.rest import RestClient

PAGE = 50
"""The most that a server gives at once, unless its owner has changed that."""


@dataclass(frozen=True, kw_only=True)
class GiteaPull:
    """The pull request ``number``, as it was ``before`` it is written to. ``labels`` are the ids of its labels."""

    client: RestClient
    number: int
    before: PullState
    labels: Mapping[str, int]
    longest_comment: int = MAX_COMMENT

    def kept_status(self, status: OwnStatus) -> OwnStatus:
        """Return the status as it is."""
        return status

    def write_comment(self, change: Change, text: str) -> None:
        """Write our comment, or replace its text. Status 204 tells that the text is there already."""
        ours = self.before.comment
        method, path = ("PATCH", f"issues/comments/{ours.id}") if ours else ("POST", f"issues/{self.number}/comments")
        self.client.write(change, method, path, json={"body": text}, locked=self.before.locked, but=(204,))

    def set_status(self, change: Change, commit: str, status: OwnStatus, url: str) -> None:
        """Set our status of a commit."""
        body = {"state": status.state, "description": status.description, "context": CONTEXT}
        body |= {"target_url": url} if url else {}
        self.client.write(change, "POST", f"statuses/{commit}", json=body)

    def add_label(self, change: Change, label: str) -> None:
        """Add a label; an exclusive one replaces those of its scope.

        Raises :class:`RefusedError` where there is none of that name: the forges then answer as if all were well.
        """
        labels = self.client.write(change, "POST", f"issues/{self.number}/labels", json={"labels": [label]})
        if label not in {each["name"] for each in labels}:
            why = f"{self.client.name} has no label {label!r}: make it, or correct [tickets] at_fault."
            raise RefusedError(why, may_be_setup=True)

    def remove_label(self, change: Change, label: str) -> None:
        """Remove a label. Status 404 or 422 tells that somebody else has removed it."""
        path = f"issues/{self.number}/labels/{self.labels[label]}"
        self.client.write(change, "DELETE", path, but=(204, 404, 422))


def read_pull(client: RestClient, account: Account, marker: str) -> GiteaPull:
    """Read what a pull request has. Raises :class:`RefusedError` where it is gone."""
    pull = client.get(f"pulls/{account.number}")
    statuses = read_statuses(client, account.commit) if account.commit else []
    ours = [each for each in statuses if each["context"] == CONTEXT]
    newest = max(ours, key=lambda each: int(each["id"]), default=None)
    state = PullState(
        comment=_own_comment(client, account.number, marker),
        status=OwnStatus(state=newest["status"], description=newest["description"] or "") if newest else None,
        has_commit=bool(statuses) or _has_commit(client, account.commit),
        labels=tuple(label["name"] for label in pull["labels"] or ()),
        head=pull["head"]["sha"],
        locked=pull["is_locked"],
    )
    ids = {label["name"]: label["id"] for label in pull["labels"] or ()}
    return GiteaPull(client=client, number=account.number, before=state, labels=ids)


def read_statuses(client: RestClient, commit: str) -> list[Any]:
    """Read all statuses that a commit ever got; none where the forge does not have the commit any more.

    Not the combined status: some versions answer with nothing for a commit without any.
    """
    return client.find_pages(f"commits/{commit}/statuses", limit=PAGE)


def _has_commit(client: RestClient, commit: str) -> bool:
    """Whether the forge still has a commit. Setting a status of one that is gone ends in status 500."""
    arguments = dict.fromkeys(("stat", "verification", "files"), "false")
    return bool(commit) and client.find(f"git/commits/{commit}", **arguments) is not None


def _own_comment(client: RestClient, number: int, marker: str) -> OwnComment | None:
    """Return the first comment with our marker that we wrote: anybody can copy the marker."""
    viewer = client.viewer
    comments = client.get(f"issues/{number}/comments")  # all of them: this list has no pages
    ours = (each for each in comments if each["user"] and each["user"]["id"] == viewer)
    first = next((each for each in ours if each["body"].startswith(marker)), None)
    return OwnComment(id=str(first["id"]), body=first["body"]) if first else None
