"""Where the tickets come from: a tracker that answers, or else a file of what waits in the repository."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sessions.first_steps.open_requests import waiting_requests
from sessions.settings.configuration import Tracker
from sessions.source.mirror import Mirror
from sessions.source.releases import Release, current_milestone, version_of
from sessions.terminal.errors import TrackerError
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Ticket
from sessions.tickets.trackers.github import GitHubTracker

TICKETS = "tickets.toml"
_PATIENCE = 10.0
# Words that projects use, without their spelling; Sage's among them.
_READY = ("positivereview", "readytomerge", "ready-to-merge", "ready", "approved", "automerge", "lgtm", "mergeable")
_NEVER = ("needswork", "needs-work", "needsinfo", "disputed", "donotmerge", "do-not-merge", "wip", "blocked", "onhold")
_PRIORITY = re.compile(r"p(riority)?\s*[:/-]\s*(?P<word>.+)", re.IGNORECASE)
_URGENCY = ("blocker", "critical", "urgent", "high", "major", "medium", "normal", "minor", "low", "trivial")


@dataclass(frozen=True, kw_only=True)
class Source:
    """``[tickets]`` as it will be written, what goes into a file of tickets, and ``why`` it is so.

    ``seen`` are the open tickets, wherever they were found.
    """

    tracker: Literal["github", "trac", "file"]
    url: str
    why: str
    listed: tuple[Ticket, ...] | None = None
    seen: tuple[Ticket, ...] = ()
    milestone: str = ""
    ready: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    later: str = ""


def find_tickets(wanted: str | None, github: str, mirror: Mirror, release: Release) -> Source:
    """The tracker that was named, or GitHub where it answers, or else a file of what waits in the repository."""
    if wanted and wanted.endswith(".toml"):
        return Source(tracker="file", url=wanted, why="as you said")
    if wanted and not re.search(r"github|/repos/|/api/v3\b|\.ghe\.com|^[\w.-]+/[\w.-]+$", wanted):
        return Source(tracker="trac", url=wanted, why="as you said", ready=("positive_review",), milestone="current")
    address = wanted or github
    if not address:
        return _listed(mirror, release, "there is no tracker that Integrand knows how to ask", "")
    tracker = GitHubTracker(Tracker(tracker="github", url=address), patience=_PATIENCE)
    try:
        url, seen = tracker.place.rest, tracker.read()
    except TrackerError as error:
        if wanted:
            raise
        return _listed(mirror, release, f"GitHub could not be asked ({str(error).rstrip('.')})", address)
    labels = {label for ticket in seen for label in ticket.labels}
    return Source(
        tracker="github",
        url=url,
        why=f"GitHub answers: {len(seen)} pull requests are open",
        seen=seen,
        milestone=_milestone(seen, release),
        ready=_known(labels, _READY),
        never=_known(labels, _NEVER),
        priorities=_by_urgency(labels),
    )


def _listed(mirror: Mirror, release: Release, why: str, later: str) -> Source:
    listed = waiting_requests(mirror, release)
    return Source(tracker="file", url=TICKETS, why=why, listed=listed, seen=listed, later=later)


def _milestone(seen: Iterable[Ticket], release: Release) -> str:
    """``current`` where open requests have milestones that are versions and one follows the release; else any."""
    names = {ticket.milestone for ticket in seen if ticket.milestone and version_of(ticket.milestone)}
    return "current" if current_milestone(release.version, names) else ""


def _known(labels: Iterable[str], words: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that say one of these words, after what stands before a colon."""
    return tuple(sorted(label for label in labels if plain(label).rsplit(":", 1)[-1] in words))


def _by_urgency(labels: Iterable[str]) -> tuple[str, ...]:
    found = {label: _PRIORITY.match(label) for label in labels}
    ranks = {
        label: rank
        for label, match in found.items()
        if match
        for rank, word in enumerate(_URGENCY)
        if word in match["word"].lower()
    }
    return tuple(sorted(ranks, key=lambda label: (ranks[label], label)))
