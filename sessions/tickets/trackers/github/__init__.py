"""Pull requests on GitHub: read through GraphQL, written as one comment, a commit status and labels."""

from __future__ import annotations

import re

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.trackers.github.address import GITHUB_TOKENS, web_address
from sessions.tickets.trackers.issues import IssueTracker
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind

_ADDRESS = re.compile(r"github|/repos/|/api/v3\b|\.ghe\.com|^[\w.-]+/[\w.-]+$")


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.github.tracker import GitHubTracker

    return GitHubTracker(settings, surroundings.patience)


def _connect_issues(settings: Tracker, surroundings: Surroundings) -> IssueTracker:
    from sessions.tickets.trackers.github.issues import GitHubIssues
    from sessions.tickets.trackers.github.tracker import GitHubTracker

    return GitHubIssues(GitHubTracker(settings, surroundings.patience).client)


def _recognise(typed: str) -> str:
    return typed if _ADDRESS.search(typed) else ""


GITHUB = TrackerKind(
    name="github",
    title="GitHub",
    tickets="pull requests",
    noun="a GitHub repository",
    connect=_connect,
    connect_issues=_connect_issues,
    dialect=MARKDOWN,
    recognise=_recognise,
    recognise_origin=web_address,
    tokens=GITHUB_TOKENS,
    # "gh-41439: …" and "gh-pr-34986: …" are Sage's own; the others are those of GitHub's two buttons, and "#7: …".
    merge_subjects=(
        r"(?:gh-(?:pr-)?|#)(\d+): ",
        r"Merge pull request #(\d+) from ",
        r".*\(#(\d+)\)$",
    ),
    request_ref="refs/pull/{number}/head",
    read_by_init=True,
    prefix="gh#",
)
