"""A kept resolution: by which content it is found, what it decides, and who decided it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sessions.source.unmerged import BASE, OURS, THEIRS, FileEntry
from sessions.terminal.ticket_numbers import parse_ticket_number, plain_numbers

_FILE = "100644"


class ResolutionKind(StrEnum):
    """What a resolution decides.

    A ``hunk`` is one conflict within a file, wherever that file is. A ``file`` is a whole file in exactly these three
    versions: deleted on one side, binary, or with lines that changed outside of its conflicts as well. ``rerere`` are
    all conflicts of a file together, without a base, as git rerere keeps them. A ``fix-up`` is a change of files that
    git merges, for tickets that break something together.
    """

    HUNK = "hunk"
    FILE = "file"
    RERERE = "rerere"
    FIX_UP = "fix-up"


@dataclass(frozen=True, kw_only=True)
class About:
    """Who decided, when (an ISO date), for which tickets, in which file, and how it is known (``origin``).

    ``commits`` are those of the tickets of a fix-up, by number.
    """

    author: str
    date: str
    origin: str
    path: str = ""
    tickets: tuple[int, ...] = ()
    commits: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResolutionPart:
    """A piece of content that belongs to a resolution, with git's mode for it."""

    content: bytes
    mode: str = _FILE


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """One decision.

    ``parts`` by name: of a hunk its ``ours``, ``theirs``, ``base`` and the ``text`` that replaces it; of a file its
    ``content``, or nothing if it is deleted; of rerere a text for each conflict, ``0`` first; of a fix-up the files
    ``before/<path>`` and ``after/<path>``.
    """

    kind: ResolutionKind
    key: str
    about: About
    parts: Mapping[str, ResolutionPart] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The name by which people know it."""
        return self.key[:10]

    @property
    def name(self) -> str:
        """The folder in which it is kept."""
        return f"{self.kind}/{self.key}"

    @property
    def is_complete(self) -> bool:
        """Whether it has the parts that its kind needs, and no path that git allows in no tree."""
        names = set(self.parts)
        match self.kind:
            case ResolutionKind.HUNK:
                return "text" in names
            case ResolutionKind.FILE:
                return names <= {"content"}
            case ResolutionKind.RERERE:
                return names == {str(place) for place in range(len(names))}
            case ResolutionKind.FIX_UP:
                steps = {step.lower() for name in names for step in name.split("/")}
                return len(self.about.commits) > 1 and ".git" not in steps


def file_key(stages: Mapping[int, FileEntry]) -> str:
    """Return a hash of the three versions of a file in conflict, in hex, whichever side was merged onto which."""
    found = [stages.get(stage) for stage in (BASE, OURS, THEIRS)]
    base, ours, theirs = (f"{entry.mode} {entry.id}" if entry else "" for entry in found)
    return sha256("\0".join([base, *sorted((ours, theirs))]).encode()).hexdigest()


def fix_up_key(commits: Iterable[str]) -> str:
    """Return a hash of the commits of the tickets that a fix-up is for, in hex."""
    return sha256("\0".join(sorted(commits)).encode()).hexdigest()


def write_about(about: About) -> bytes:
    """Return the description as JSON."""
    commits = {str(number): commit for number, commit in about.commits.items()}
    found = {**asdict(about), "tickets": plain_numbers(about.tickets), "commits": commits}
    return json.dumps(found, indent=1, sort_keys=True).encode()


def read_about(content: bytes) -> About:
    """Read what :func:`write_about` wrote. Raises ValueError, LookupError or TypeError for anything else."""
    found: dict[str, Any] = json.loads(content)
    return About(
        author=str(found["author"]),
        date=str(found["date"]),
        origin=str(found["origin"]),
        path=str(found["path"]),
        tickets=tuple(parse_ticket_number(str(number)) for number in found["tickets"]),
        commits={parse_ticket_number(number): str(commit) for number, commit in found["commits"].items()},
    )
