"""The issues of a repository on GitHub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.tickets.trackers.forge.comment import MAX_COMMENT
from sessions.tickets.trackers.forge.issue_writing import check_label, write_issue
from sessions.tickets.trackers.forge.rest import expected_shape
from sessions.tickets.trackers.github.client import GitHubClient
from sessions.tickets.trackers.github.queries import ISSUES
from sessions.tickets.trackers.issues import IssueText, OwnIssue


@dataclass(frozen=True)
class GitHubIssues:
    """Implements :class:`~sessions.tickets.trackers.issues.IssueTracker`."""

    client: GitHubClient
    longest_body: int = MAX_COMMENT

    def list_own(self, label: str) -> tuple[OwnIssue, ...]:
        """Return all issues with a label that the token's owner opened, the oldest first."""
        found: list[OwnIssue] = []
        after = None
        while True:
            with expected_shape("GitHub"):
                issues = self.client.query(ISSUES, label=label, after=after)["issues"]
                found += [_own_issue(node) for node in issues["nodes"] if node["viewerDidAuthor"]]
                page = issues["pageInfo"]
                if not page["hasNextPage"]:
                    return tuple(found)
                after = page["endCursor"]

    def open_issue(self, label: str, text: IssueText) -> int:
        """Open an issue with a label."""
        content = {"title": text.title, "body": text.body, "labels": [label]}
        with expected_shape("GitHub"):
            answer = write_issue(self.client.rest, "POST", "issues", content)
            number: int = answer["number"]
            labels = [each["name"] if isinstance(each, dict) else each for each in answer["labels"]]
        check_label(self.client.rest, number, labels, label)
        return number

    def edit_issue(self, issue: OwnIssue, text: IssueText, *, is_open: bool) -> None:
        """Replace title, body and state of an issue."""
        content = {"title": text.title, "body": text.body, "state": "open" if is_open else "closed"}
        write_issue(self.client.rest, "PATCH", f"issues/{issue.number}", content)


def _own_issue(node: dict[str, Any]) -> OwnIssue:
    return OwnIssue(
        number=node["number"],
        text=IssueText(title=node["title"], body=node["body"]),
        closed_on=(node["closedAt"] or "")[:10] if node["closed"] else "",
    )
