"""The interface of trackers that can keep issues of ours: one for each flaky test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class IssueText:
    """What an issue says. ``title`` is one plain line; ``body`` is in the markup of the tracker, and safe there."""

    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class OwnIssue:
    """An issue that we opened; ``closed_on`` is the day (ISO 8601) on which it was closed, empty while it is open."""

    number: int
    text: IssueText
    closed_on: str = ""


class IssueTracker(Protocol):
    """The issues of one project. Each method raises :class:`TrackerError` where the tracker fails or refuses."""

    @property
    def longest_body(self) -> int:
        """The most characters that a body may have."""
        ...

    def list_own(self, label: str) -> tuple[OwnIssue, ...]:
        """Return all issues with a label, open and closed, that we opened: not those of others that look the same."""
        ...

    def open_issue(self, label: str, text: IssueText) -> int:
        """Open an issue with a label, and return its number."""
        ...

    def edit_issue(self, issue: OwnIssue, text: IssueText, *, is_open: bool) -> None:
        """Replace what one of our issues says, and open or close it."""
        ...
