"""Choose the tracker that `init` writes into the configuration: one that answers, or else a file of open requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sessions.first_steps.open_requests import waiting_requests
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.releases import Release, current_milestone, version_of
from sessions.terminal.errors import TrackerError, UsageError
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import TrackerAddress, name_kinds, recognise_address
from sessions.tickets.trackers.kind import Surroundings

TICKET_FILE = "tickets.toml"
_PATIENCE = 10.0
# Labels that projects use (also Sage), in lower case and without punctuation.
_READY = ("positivereview", "readytomerge", "ready-to-merge", "ready", "approved", "automerge", "lgtm", "mergeable")
_NEVER = ("needswork", "needs-work", "needsinfo", "disputed", "donotmerge", "do-not-merge", "wip", "blocked", "onhold")
_PRIORITY = re.compile(r"p(riority)?\s*[:/-]\s*(?P<word>.+)", re.IGNORECASE)
_URGENCY = ("blocker", "critical", "urgent", "high", "major", "medium", "normal", "minor", "low", "trivial")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The values of ``[tickets]``, the content of a file of tickets, and ``why`` they were chosen.

    ``tracker`` is the name of a kind. ``seen`` are the open tickets, wherever they were found. ``later`` is the clone's
    tracker, if it could not be read.
    """

    tracker: str
    url: str
    why: str
    listed: tuple[Ticket, ...] | None = None
    seen: tuple[Ticket, ...] = ()
    target: str = ""
    milestone: str = ""
    ready: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    later: TrackerAddress | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def find_tickets(typed: str | None, proposed: TrackerAddress | None, mirror: Mirror, release: Release) -> Source:
    """Return the tracker that was ``typed``, or the ``proposed`` one if it answers, or else a file of open requests.

    Raises :class:`TrackerError` if the typed tracker does not answer, and :class:`UsageError` if no kind of tracker has
    such an address.
    """
    address = recognise_address(typed) if typed else proposed
    if address is None and typed:
        raise UsageError(f"--tracker {typed} is no address of a tracker: name {name_kinds()}, or KIND:ADDRESS.")
    if address is None:
        return _listed(mirror, release, "there is no tracker that Integrand knows how to ask")
    kind = address.kind
    if not kind.read_by_init:
        why = "you said so" if typed else "the clone says so"
        return Source(tracker=kind.name, url=address.url, why=why, ready=kind.ready, milestone=kind.milestone)
    try:
        surroundings = Surroundings(patience=_PATIENCE, labels_only=True)
        tracker = kind.connect(Tracker(tracker=kind.name, url=address.url), surroundings)
        url, seen = tracker.url, tracker.read()
    except TrackerError as error:
        if typed:
            raise
        return _listed(mirror, release, f"{kind.title} could not be asked ({str(error).rstrip('.')})", address)
    labels = {label for ticket in seen for label in ticket.labels}
    return Source(
        tracker=kind.name,
        url=url,
        why=f"{kind.title} answers: {len(seen)} {kind.tickets} are open",
        seen=seen,
        milestone=_milestone(seen, release),
        ready=_known(labels, _READY) or kind.ready,
        never=_known(labels, _NEVER),
        priorities=_by_urgency(labels),
    )


def _listed(mirror: Mirror, release: Release, why: str, later: TrackerAddress | None = None) -> Source:
    found = waiting_requests(mirror, release)
    return Source(
        tracker="file",
        url=TICKET_FILE,
        why=why,
        listed=found.tickets,
        seen=found.tickets,
        later=later,
        left_out=found.left_out,
    )


def _milestone(seen: Iterable[Ticket], release: Release) -> str:
    """Return ``current`` if milestones of open tickets are versions and one follows the release; empty otherwise."""
    names = {ticket.milestone for ticket in seen if ticket.milestone and version_of(ticket.milestone)}
    return "current" if current_milestone(release.version, names) else ""


def _known(labels: Iterable[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels that are one of ``names`` apart from a prefix with a colon, in sorted order."""
    return tuple(sorted(label for label in labels if plain(label).rsplit(":", 1)[-1] in names))


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
