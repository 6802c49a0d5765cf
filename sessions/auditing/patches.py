"""Read git's unified diffs hunk by hunk, and find the change of a history that a line belongs to.

See https://git-scm.com/docs/diff-format for the format. Only diffs without context (``-U0``) and without renames are
read. Pure: no git, no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_HUNK = re.compile(
    r"@@ -(?P<old>\d+)(?:,(?P<less>\d+))? \+(?P<new>\d+)(?:,(?P<more>\d+))? @@ ?(?P<heading>.*)", re.DOTALL
)
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPED = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """A replaced part of the file ``path``: ``removed`` lines from line ``old`` on, ``added`` lines from ``new`` on.

    Both are empty for a change of a mode, a binary file, or an empty file. ``heading`` is the line above the hunk that
    git shows as its section, such as ``def area(shape):``.
    """

    path: str
    old: int = 0
    new: int = 0
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    heading: str = ""

    @property
    def lines(self) -> str:
        """The lines in the new version, as ``12-15``; ``12`` if lines after it were removed; empty otherwise."""
        if len(self.added) > 1:
            return f"{self.new}-{self.new + len(self.added) - 1}"
        return str(self.new) if self.added or self.removed else ""


@dataclass(frozen=True, kw_only=True)
class OwnedPatch:
    """A step of a history: its owner, and the lines that it adds to and removes from each file."""

    owner: str
    added: Mapping[str, frozenset[str]]
    removed: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, owner: str, hunks: Iterable[Hunk]) -> OwnedPatch:
        """Return the change that consists of these hunks."""
        added, removed = dict[str, set[str]](), dict[str, set[str]]()
        for hunk in hunks:
            added.setdefault(hunk.path, set()).update(hunk.added)
            removed.setdefault(hunk.path, set()).update(hunk.removed)
        return cls(owner=owner, added=_frozen(added), removed=_frozen(removed))

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it changes, sorted."""
        return tuple(sorted(self.added))


def read_hunks(diff: str) -> Iterator[Hunk]:
    """Yield the hunks of a diff made with ``-p -U0 --no-renames``, in order."""
    path, bare = "", False
    lines = iter(diff.split("\n"))
    for line in lines:
        if line.startswith("diff --git "):
            if bare:
                yield Hunk(path=path)
            path, bare = _path_of(line.removeprefix("diff --git ")), True
        elif line.startswith("old mode "):
            bare = False
            yield Hunk(path=path)
        elif found := _HUNK.match(line):
            bare = False
            removed = tuple(_take(lines, _count(found["less"])))
            added = tuple(_take(lines, _count(found["more"])))
            lines_at = {"old": int(found["old"]), "new": int(found["new"])}
            yield Hunk(path=path, **lines_at, removed=removed, added=added, heading=found["heading"])
    if bare:
        yield Hunk(path=path)


def owners_of_added(hunk: Hunk, history: Iterable[OwnedPatch]) -> list[str]:
    """Return who added the hunk's ``added`` lines in ``history`` (oldest first); an empty text stands for nobody."""
    return _owners(hunk.added, [(change.owner, change.added.get(hunk.path, frozenset())) for change in history])


def owners_of_removed(hunk: Hunk, history: Iterable[OwnedPatch]) -> list[str]:
    """Return who removed the hunk's ``removed`` lines in ``history``, as :func:`owners_of_added` does."""
    return _owners(hunk.removed, [(change.owner, change.removed.get(hunk.path, frozenset())) for change in history])


def losers(hunk: Hunk, history: Iterable[OwnedPatch]) -> tuple[list[str], bool]:
    """Return whose work an unexpected hunk undoes, and whether it also has changes that undo nobody's work.

    A line that the hunk removes belongs to whoever added it; a line that it adds undoes whoever removed it. A hunk
    without lines undoes the newest change of its file.
    """
    changes = list(history)
    if not hunk.added and not hunk.removed:
        touching = [change.owner for change in changes if hunk.path in change.added]
        return touching[-1:], not touching
    back = Hunk(path=hunk.path, removed=hunk.added, added=hunk.removed)
    owners = [*owners_of_added(back, changes), *owners_of_removed(back, changes)]
    return sorted({*owners} - {""}), "" in owners


def _owners(lines: tuple[str, ...], history: list[tuple[str, frozenset[str]]]) -> list[str]:
    found = {line: next((owner for owner, known in reversed(history) if line in known), "") for line in lines}
    return list(dict.fromkeys(found.values()))


def _count(number: str | None) -> int:
    """Return how many lines a hunk's header announces; git leaves out a 1."""
    return 1 if number is None else int(number)


def _take(lines: Iterator[str], count: int) -> Iterator[str]:
    while count:
        line = next(lines)
        if not line.startswith("\\"):  # "\ No newline at end of file" belongs to the line before
            count -= 1
            yield line[1:]


def _path_of(names: str) -> str:
    """Return the path in ``a/PATH b/PATH``, where both are the same and either may be quoted."""
    name = names[: (len(names) - 1) // 2]
    if not name.startswith('"'):
        return name[2:]
    # What is quoted is ASCII: git writes all other bytes as escapes.
    return (
        _ESCAPE.sub(lambda found: chr(_byte(found[1])), name[3:-1]).encode("latin-1").decode("utf-8", "surrogateescape")
    )


def _byte(escape: str) -> int:
    return int(escape, 8) if escape.isdecimal() else _ESCAPED.get(escape, ord(escape))


def _frozen(lines: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {path: frozenset(each) for path, each in lines.items()}
