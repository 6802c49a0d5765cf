"""The issues of a project on GitLab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.tickets.trackers.forge.issue_writing import check_label, write_issue
from sessions.tickets.trackers.forge.rest import RestClient, expected_shape
from sessions.tickets.trackers.gitlab.pull import PAGE
from sessions.tickets.trackers.issues import IssueText, OwnIssue


@dataclass(frozen=True)
class GitLabIssues:
    """Implements :class:`~sessions.tickets.trackers.issues.IssueTracker`.

    GitLab takes descriptions of a million characters; the limit here is for readers.
    """

    client: RestClient
    longest_body: int = 65_536

    def list_own(self, label: str) -> tuple[OwnIssue, ...]:
        """Return all issues with a label that the token's owner opened, the oldest first."""
        order = {"state": "all", "scope": "all", "order_by": "created_at", "sort": "asc", "per_page": PAGE}
        with expected_shape("GitLab"):
            found = self.client.pages("issues", labels=label, **order)
            return tuple(_own_issue(each) for each in found if each["author"]["id"] == self.client.viewer)

    def open_issue(self, label: str, text: IssueText) -> int:
        """Open an issue with a label."""
        content = {"title": text.title, "description": text.body, "labels": label}
        with expected_shape("GitLab"):
            answer = write_issue(self.client, "POST", "issues", content)
            number: int = answer["iid"]
            labels = list(answer["labels"])
        check_label(self.client, number, labels, label)
        return number

    def edit_issue(self, issue: OwnIssue, text: IssueText, *, is_open: bool) -> None:
        """Replace title, description and state of an issue."""
        content = {"title": text.title, "description": text.body}
        if is_open != (not issue.closed_on):
            content["state_event"] = "reopen" if is_open else "close"
        write_issue(self.client, "PUT", f"issues/{issue.number}", content)


def _own_issue(issue: dict[str, Any]) -> OwnIssue:
    return OwnIssue(
        number=issue["iid"],
        text=IssueText(title=issue["title"], body=issue["description"] or ""),
        closed_on=(issue["closed_at"] or "")[:10] if issue["state"] == "closed" else "",
    )
