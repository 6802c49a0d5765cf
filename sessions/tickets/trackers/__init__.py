"""Where tickets are kept: the registry of trackers. One module and one line here for each kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sessions.settings.ticket_settings import Tracker, is_broken_address
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.trackers.branches import BRANCHES
from sessions.tickets.trackers.file import FILE
from sessions.tickets.trackers.gerrit import GERRIT
from sessions.tickets.trackers.gitea import FORGEJO, GITEA
from sessions.tickets.trackers.github import GITHUB
from sessions.tickets.trackers.gitlab import GITLAB
from sessions.tickets.trackers.kind import TrackerKind
from sessions.tickets.trackers.mail import MAIL
from sessions.tickets.trackers.trac import TRAC

# An address goes to the first kind that recognises it: `branches.toml` is a TOML file, too, `../list.mbox` could be
# OWNER/NAME, and `/repos/` is no proof.
_KINDS = (
    BRANCHES,
    FILE,
    MAIL,
    GERRIT,
    FORGEJO,
    GITEA,
    GITLAB,
    GITHUB,
    TRAC,
)
TRACKERS: dict[str, TrackerKind] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True, kw_only=True)
class TrackerAddress:
    """An address, and the kind of tracker that is there."""

    kind: TrackerKind
    url: str


def recognise_address(typed: str) -> TrackerAddress | None:
    """The tracker at an address that a user typed: ``KIND:ADDRESS``, or an address that only one kind can have."""
    if is_broken_address(typed):
        return None
    name, _, rest = typed.partition(":")
    if name in TRACKERS and rest and not rest.startswith("//"):
        return TrackerAddress(kind=TRACKERS[name], url=rest)
    kinds = sorted(TRACKERS.values(), key=lambda kind: kind.takes_any_address)
    found = ((kind, kind.recognise(typed)) for kind in kinds)
    return next((TrackerAddress(kind=kind, url=url) for kind, url in found if url), None)


def recognise_clone(origin: str, read_file: Callable[[str], str] = lambda _path: "") -> TrackerAddress | None:
    """The tracker that belongs to a clone, by a file that says so, or else by the address of its origin.

    ``read_file`` returns the text of a file of the newest release, empty where it has none of that name.
    """
    if is_broken_address(origin):
        return None
    kinds = TRACKERS.values()
    by_file = ((kind, kind.recognise_file(text)) for kind in kinds if kind.sign and (text := read_file(kind.sign)))
    by_origin = ((kind, kind.recognise_origin(origin)) for kind in kinds)
    found = itertools.chain(by_file, by_origin)
    return next((TrackerAddress(kind=kind, url=url) for kind, url in found if url), None)


def name_kinds() -> str:
    """Return what ``init --tracker`` takes: ``a GitHub repository, a Trac, or …``."""
    *others, last = sorted((kind.noun for kind in TRACKERS.values()), key=lambda noun: "file" in noun)
    return f"{', '.join(others)}, or {last}"


def merge_subjects(tables: Sequence[Tracker] = ()) -> MergeSubjects:
    """Return how merge commits name tickets, for all kinds of trackers together.

    A project's history outlives its tracker: Sage's has subjects from Trac and from GitHub under one numbering. With
    ``tables`` that have prefixes, what a forge writes names a ticket of the first table of that kind, of those with
    branches in the project's repository before others.
    """
    patterns = (pattern for kind in TRACKERS.values() for pattern in kind.merge_subjects)
    trailers = (pattern for kind in TRACKERS.values() for pattern in kind.merge_trailers)
    prefixes = dict[str, str]()
    for table in sorted(tables, key=lambda each: bool(each.repository)):
        for pattern in (*TRACKERS[table.tracker].merge_subjects, *TRACKERS[table.tracker].merge_trailers):
            prefixes.setdefault(pattern, table.prefix)
    return MergeSubjects(tuple(dict.fromkeys(patterns)), tuple(dict.fromkeys(trailers)), prefixes)


def request_refs(number: int) -> tuple[str, ...]:
    """The refs at which forges keep the commits of the pull request or merge request of that number."""
    refs = (kind.request_ref for kind in TRACKERS.values() if kind.request_ref)
    return tuple(dict.fromkeys(ref.format(number=number) for ref in refs))
