"""Find the pairs of tickets that can conflict at all, from what each ticket changes. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sessions.auditing.patches import Hunk

# Changes of one file conflict where they overlap or touch. Git may slide a change over lines that repeat, so that those
# less than this far apart are merged to see.
_MARGIN = 10


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """The files that a ticket changes, each with its hunks in order."""

    hunks: Mapping[str, tuple[Hunk, ...]]

    @classmethod
    def of(cls, hunks: Iterable[Hunk]) -> Footprint:
        """Return the footprint of a diff."""
        found = dict[str, list[Hunk]]()
        for hunk in hunks:
            found.setdefault(hunk.path, []).append(hunk)
        return cls(hunks={path: tuple(each) for path, each in found.items()})

    @property
    def keys(self) -> frozenset[str]:
        """The paths of which two conflicting footprints share at least one.

        These are its files, and the parent folders of files that may be new or deleted: git moves files into a folder
        that the other side renamed, and a file conflicts with a folder of the same name.
        """
        moving = [path for path, hunks in self.hunks.items() if not _has_plain_lines(hunks)]
        return frozenset([*self.hunks, *(folder for path in moving for folder in _folders(path))])


@dataclass(frozen=True, kw_only=True)
class _Holders:
    """Which footprints change each path, may add files in each folder, and may remove files from it."""

    paths: Mapping[str, Sequence[int]]
    grown: Mapping[str, Sequence[int]]
    shrunk: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, footprints: Mapping[int, Footprint]) -> _Holders:
        paths, grown, shrunk = (defaultdict[str, list[int]](list) for _ in range(3))
        for number, footprint in footprints.items():
            for path in footprint.hunks:
                paths[path].append(number)
            for folders, is_moving in ((grown, _may_be_new), (shrunk, _may_be_gone)):
                moving = [path for path, hunks in footprint.hunks.items() if is_moving(hunks)]
                for folder in {folder for path in moving for folder in _folders(path)}:
                    folders[folder].append(number)
        return cls(paths=paths, grown=grown, shrunk=shrunk)

    def across(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs that meet in a folder.

        Git moves a new file along only where the other side has moved the folder, and so removed files from it; a file
        conflicts with a folder of the same name.
        """
        for folder, adding in self.grown.items():
            yield from itertools.product(adding, self.shrunk.get(folder, ()))
        for folder in self.grown.keys() | self.shrunk.keys():
            inside = (*self.grown.get(folder, ()), *self.shrunk.get(folder, ()))
            yield from itertools.product(self.paths.get(folder, ()), inside)


def pairs_to_merge(footprints: Mapping[int, Footprint], *, by_lines: bool = True) -> tuple[tuple[int, int], ...]:
    """Return the pairs that must be merged to know whether they conflict, lower number first, sorted.

    ``by_lines`` leaves out pairs whose changes to the same files are far apart. It must be off if attributes choose
    another merge driver.
    """
    holders = _Holders.of(footprints)
    found = {
        (min(pair), max(pair))
        for path, numbers in holders.paths.items()
        for pair in itertools.combinations(numbers, 2)
        if not by_lines or _is_near(path, *(footprints[number] for number in pair))
    }
    found |= {(min(pair), max(pair)) for pair in holders.across() if pair[0] != pair[1]}
    return tuple(sorted(found))


def headings(path: str, first: Footprint, second: Footprint) -> tuple[str, ...]:
    """Return the sections of a file in which two footprints meet, from git's hunk headers."""
    near = (a.heading or b.heading for a, b in _meetings(first.hunks.get(path, ()), second.hunks.get(path, ())))
    return tuple(dict.fromkeys(filter(None, near)))


def _folders(path: str) -> Iterator[str]:
    """``a/b`` and ``a`` for ``a/b/c``."""
    parts = path.split("/")
    yield from ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))


def _is_near(key: str, first: Footprint, second: Footprint) -> bool:
    ours, theirs = first.hunks.get(key, ()), second.hunks.get(key, ())
    if not (_has_plain_lines(ours) and _has_plain_lines(theirs)):
        return True
    return next(_meetings(ours, theirs), None) is not None


def _has_plain_lines(hunks: tuple[Hunk, ...]) -> bool:
    """Whether these only change lines of a file that is there before and after."""
    return bool(hunks) and all((hunk.removed or hunk.added) and hunk.old and hunk.new for hunk in hunks)


def _may_be_new(hunks: tuple[Hunk, ...]) -> bool:
    """Whether all of a file is added; git shows lines that are added above all others in the same way."""
    return all(not hunk.old for hunk in hunks)


def _may_be_gone(hunks: tuple[Hunk, ...]) -> bool:
    """Whether all of a file is removed; as :func:`_may_be_new`."""
    return all(not hunk.new for hunk in hunks)


def _meetings(ours: tuple[Hunk, ...], theirs: tuple[Hunk, ...]) -> Iterator[tuple[Hunk, Hunk]]:
    for a, b in itertools.product(ours, theirs):
        if a.old <= b.old + len(b.removed) + _MARGIN and b.old <= a.old + len(a.removed) + _MARGIN:
            yield a, b
