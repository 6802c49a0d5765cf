"""Where tickets are kept: the registry of trackers. One module and one line here for each kind."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.trackers.branches import BRANCHES
from sessions.tickets.trackers.file import FILE
from sessions.tickets.trackers.github import GITHUB
from sessions.tickets.trackers.kind import RefLister, Surroundings, TicketSource, TrackerKind, no_refs
from sessions.tickets.trackers.trac import TRAC

# An address goes to the first kind that recognises it: `branches.toml` is a TOML file, too.
_KINDS = (
    BRANCHES,
    FILE,
    GITHUB,
    TRAC,
)
TRACKERS: dict[str, TrackerKind] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True, kw_only=True)
class TrackerAddress:
    """An address, and the kind of tracker that is there."""

    kind: TrackerKind
    url: str


def connect_tracker(settings: Tracker, list_refs: RefLister = no_refs) -> TicketSource:
    """Return the tracker of a configuration, which may have to look into repositories by ``list_refs``.

    Raises :class:`TrackerError` if the settings cannot be right, or credentials are missing.
    """
    return TRACKERS[settings.tracker].connect(settings, Surroundings(list_refs=list_refs))


def recognise_address(typed: str) -> TrackerAddress | None:
    """The tracker at an address that a user typed: ``KIND:ADDRESS``, or an address that only one kind can have."""
    name, _, rest = typed.partition(":")
    if name in TRACKERS and rest and not rest.startswith("//"):
        return TrackerAddress(kind=TRACKERS[name], url=rest)
    kinds = sorted(TRACKERS.values(), key=lambda kind: kind.takes_any_address)
    found = ((kind, kind.recognise(typed)) for kind in kinds)
    return next((TrackerAddress(kind=kind, url=url) for kind, url in found if url), None)


def recognise_clone(origin: str) -> TrackerAddress | None:
    """Return the tracker that belongs to a clone, by the address of its origin."""
    found = ((kind, kind.recognise_origin(origin)) for kind in TRACKERS.values())
    return next((TrackerAddress(kind=kind, url=url) for kind, url in found if url), None)


def name_kinds() -> str:
    """Return what ``init --tracker`` takes: ``a GitHub repository, a Trac, or …``."""
    *others, last = sorted((kind.noun for kind in TRACKERS.values()), key=lambda noun: "file" in noun)
    return f"{', '.join(others)}, or {last}"


def merge_subjects() -> MergeSubjects:
    """Return how merge commits name tickets, for all kinds of trackers together.

    A project's history outlives its tracker: Sage's has subjects from Trac and from GitHub under one numbering.
    """
    patterns = (pattern for kind in TRACKERS.values() for pattern in kind.merge_subjects)
    return MergeSubjects(tuple(dict.fromkeys(patterns)))
