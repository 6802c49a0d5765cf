"""Merge requests on GitLab (gitlab.com or a server of one's own), over its REST interface."""

from __future__ import annotations

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.gitlab import GITLAB_MARKDOWN
from sessions.tickets.trackers.gitlab.address import GITLAB_TOKENS, find_address, web_address
from sessions.tickets.trackers.gitlab.tracker import GitLabTracker
from sessions.tickets.trackers.kind import Surroundings, TrackerKind

__all__ = ["GITLAB", "GitLabTracker"]


def _connect(settings: Tracker, surroundings: Surroundings) -> GitLabTracker:
    return GitLabTracker(settings, surroundings.patience, labels_only=surroundings.labels_only)


GITLAB = TrackerKind(
    name="gitlab",
    title="GitLab",
    tickets="merge requests",
    noun="a GitLab project",
    connect=_connect,
    dialect=GITLAB_MARKDOWN,
    recognise=find_address,
    recognise_origin=web_address,
    tokens=GITLAB_TOKENS,
    merge_trailers=(r"See merge request (?:[\w.+/-]+)?!(\d+)",),
    request_ref="refs/merge-requests/{number}/head",
    read_by_init=True,
)
