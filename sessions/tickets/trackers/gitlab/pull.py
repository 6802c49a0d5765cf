"""What a merge request has now, and how it is written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.tickets.model import Account
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.forge.changes import CONTEXT, OwnComment, OwnStatus, PullState
from sessions.tickets.trackers.forge.rest import RestClient

PAGE = 100
_LONGEST_STATUS = 255  # characters
_STATES = {"success": "success", "failure": "failed", "error": "failed", "pending": "pending"}
_WAITS = "waits: the comment says for what"


@dataclass(frozen=True, kw_only=True)
class GitLabRequest:
    """The merge request ``number``, as it was ``before`` it is written to.

    ``ref`` is where GitLab finds the commit of a fork; empty for a branch of the project. GitLab takes comments of a
    million characters; the limit here is for readers.
    """

    client: RestClient
    number: int
    ref: str
    before: PullState
    longest_comment: int = 65_536

    @property
    def path(self) -> str:
        """Where the merge request is."""
        return f"merge_requests/{self.number}"

    def kept_status(self, status: OwnStatus) -> OwnStatus:
        """Return the status in GitLab's words.

        A pending status always says the same: GitLab answers 400 where one that is pending is set to pending again
        ("Cannot transition status via :enqueue from :pending").
        """
        text = _WAITS if status.state == "pending" else status.description[:_LONGEST_STATUS]
        return OwnStatus(state=_STATES[status.state], description=text)

    def write_comment(self, change: Change, text: str) -> None:
        """Write our comment, or replace its text."""
        ours = self.before.comment
        method, path = ("PUT", f"{self.path}/notes/{ours.id}") if ours else ("POST", f"{self.path}/notes")
        self.client.write(change, method, path, json={"body": text}, locked=self.before.locked)

    def set_status(self, change: Change, commit: str, status: OwnStatus, url: str) -> None:
        """Set our status of a commit; GitLab adds it to the newest pipeline of that commit, or makes one for it."""
        body = {"state": status.state, "name": CONTEXT, "description": status.description}
        body |= {"target_url": url} if url else {}
        body |= {"ref": self.ref} if self.ref else {}
        self.client.write(change, "POST", f"statuses/{commit}", json=body)

    def add_label(self, change: Change, label: str) -> None:
        """Add a label, which GitLab makes where there is none; a scoped one replaces those of its scope."""
        self.client.write(change, "PUT", self.path, json={"add_labels": label})

    def remove_label(self, change: Change, label: str) -> None:
        """Remove a label; one that is gone is no error."""
        self.client.write(change, "PUT", self.path, json={"remove_labels": label})


def read_request(client: RestClient, account: Account, marker: str) -> GitLabRequest:
    """Read what a merge request has. Raises :class:`RefusedError` where it is gone."""
    request = client.get(f"merge_requests/{account.number}")
    is_own = request["source_project_id"] == request["target_project_id"]
    statuses = _statuses(client, account.commit) if account.commit else None
    newest = max(
        (each for each in statuses or () if each["name"] == CONTEXT), key=lambda each: each["id"], default=None
    )
    state = PullState(
        comment=_own_comment(client, account.number, marker),
        status=OwnStatus(state=newest["status"], description=newest["description"] or "") if newest else None,
        has_commit=statuses is not None,
        labels=tuple(request["labels"]),
        head=request["sha"] or "",
        locked=bool(request["discussion_locked"]),
    )
    ref = "" if is_own else f"refs/merge-requests/{account.number}/head"
    return GitLabRequest(client=client, number=account.number, ref=ref, before=state)


def _statuses(client: RestClient, commit: str) -> list[Any] | None:
    """Our statuses of a commit; ``None`` where GitLab does not have the commit any more."""
    found: list[Any] | None = client.find(f"repository/commits/{commit}/statuses", name=CONTEXT, per_page=PAGE)
    return found


def _own_comment(client: RestClient, number: int, marker: str) -> OwnComment | None:
    """Return the first comment with our marker that we wrote: anybody can copy the marker."""
    viewer = client.viewer
    notes = client.pages(f"merge_requests/{number}/notes", sort="asc", order_by="created_at", per_page=PAGE)
    ours = (each for each in notes if each["author"]["id"] == viewer and each["body"].startswith(marker))
    first = next(ours, None)
    return OwnComment(id=str(first["id"]), body=first["body"]) if first else None
