"""The issues of a repository on Forgejo or Gitea."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sessions.terminal.errors import RefusedError
from sessions.tickets.trackers.forge.comment import MAX_COMMENT
from sessions.tickets.trackers.forge.issue_writing import check_label, write_issue
from sessions.tickets.trackers.forge.rest import RestClient, expected_shape
from sessions.tickets.trackers.gitea.pull import PAGE
from sessions.tickets.trackers.issues import IssueText, OwnIssue


@dataclass(frozen=True)
class GiteaIssues:
    """Implements :class:`~sessions.tickets.trackers.issues.IssueTracker`."""

    client: RestClient
    longest_body: int = MAX_COMMENT

    def list_own(self, label: str) -> tuple[OwnIssue, ...]:
        """Return all issues with a label that the token's owner opened, the oldest first.

        The forges read a list of labels, with commas between, and show all issues if the repository has none of them.
        """
        params = {"state": "all", "type": "issues", "limit": PAGE} | ({} if "," in label else {"labels": label})
        with expected_shape(self.client.forge):
            found = [each for each in self.client.pages("issues", **params) if label in _labels(each)]
            ours = [each for each in found if each["user"] and each["user"]["id"] == self.client.viewer]
            return tuple(_own_issue(each) for each in sorted(ours, key=lambda each: int(each["number"])))

    def open_issue(self, label: str, text: IssueText) -> int:
        """Open an issue with a label, which the repository must have."""
        with expected_shape(self.client.forge):
            content = {"title": text.title, "body": text.body, "labels": [self._label_id(label)]}
            answer = write_issue(self.client, "POST", "issues", content)
            number, labels = int(answer["number"]), _labels(answer)
        check_label(self.client, number, labels, label)
        return number

    def edit_issue(self, issue: OwnIssue, text: IssueText, *, is_open: bool) -> None:
        """Replace title, body and state of an issue."""
        content = {"title": text.title, "body": text.body, "state": "open" if is_open else "closed"}
        write_issue(self.client, "PATCH", f"issues/{issue.number}", content)

    def _label_id(self, label: str) -> int:
        for each in self.client.pages("labels", limit=PAGE):
            if each["name"] == label:
                return int(each["id"])
        why = f"{self.client.name} has no label {label!r}: make it, or correct [tickets] flake_label."
        raise RefusedError(why, may_be_setup=True)


def _labels(issue: dict[str, Any]) -> list[str]:
    return [each["name"] for each in issue["labels"] or ()]


def _own_issue(issue: dict[str, Any]) -> OwnIssue:
    return OwnIssue(
        number=issue["number"],
        text=IssueText(title=issue["title"], body=issue["body"] or ""),
        closed_on=(issue["closed_at"] or "")[:10] if issue["state"] == "closed" else "",
    )
