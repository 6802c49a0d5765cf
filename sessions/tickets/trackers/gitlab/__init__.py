"""Merge requests on GitLab (gitlab.com or a server of one's own), over its REST interface."""

from __future__ import annotations

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.gitlab import GITLAB_MARKDOWN
from sessions.tickets.trackers.gitlab.address import GITLAB_TOKENS, project_of_origin, recognise_project
from sessions.tickets.trackers.issues import IssueTracker
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.gitlab.tracker import GitLabTracker

    return GitLabTracker(settings, surroundings.patience, labels_only=surroundings.labels_only)


def _connect_issues(settings: Tracker, surroundings: Surroundings) -> IssueTracker:
    from sessions.tickets.trackers.gitlab.issues import GitLabIssues
    from sessions.tickets.trackers.gitlab.tracker import GitLabTracker

    return GitLabIssues(GitLabTracker(settings, surroundings.patience).client)


GITLAB = TrackerKind(
    name="gitlab",
    title="GitLab",
    tickets="merge requests",
    noun="a GitLab project",
    connect=_connect,
    connect_issues=_connect_issues,
    dialect=GITLAB_MARKDOWN,
    recognise=recognise_project,
    recognise_origin=project_of_origin,
    tokens=GITLAB_TOKENS,
    merge_trailers=(r"See merge request (?:[\w.+/-]+)?!(\d+)",),
    request_ref="refs/merge-requests/{number}/head",
    read_by_init=True,
    prefix="gl!",
)
