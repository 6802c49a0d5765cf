"""Where the two sides of a merge conflict: files, lines, and the text of both."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from sessions.source.merge_process import split_messages
from sessions.source.repository import Repository

# `conflict-marker-size` of gitattributes(5) may make markers longer or shorter than this.
_USUAL = 7
# Of so many conflicts are the files in memory at a time.
_READ_AT_ONCE = 40
_OURS, _THEIRS = (re.compile(rf"^{mark}+ [0-9a-f]{{40,64}}$", re.MULTILINE) for mark in "<>")


@dataclass(frozen=True, kw_only=True)
class ConflictPlace:
    """A file with a merge conflict.

    ``kind`` is git's name for it: ``contents``, ``modify/delete``, ``add/add``… ``lines`` are the conflicting lines
    in the version merged so far, as ``12-15,40-40``; empty if the conflict is not about lines. ``hunk`` is the first
    conflict with its markers, cut to a page.
    """

    path: str
    kind: str
    lines: str = ""
    hunk: str = ""


@dataclass(frozen=True, kw_only=True)
class Clash:
    """A merge that failed: the kind of conflict of each file, of which there is at least one.

    ``head`` is the tree merged so far, ``tree`` what git made of the merge, with conflict markers in the files. Both
    are read on demand, because most conflicts are never shown.
    """

    kinds: Mapping[str, str]
    head: str
    tree: str
    repository: Repository

    @property
    def paths(self) -> frozenset[str]:
        """The files with conflicts."""
        return frozenset(self.kinds)

    @property
    def places(self) -> tuple[ConflictPlace, ...]:
        """Return all files with conflicts, sorted by path, with the lines."""
        return next(places_of([self]))

    def place(self, path: str) -> ConflictPlace:
        """Return one of the files with conflicts, with the lines."""
        return self.place_in(self.repository.read(self.sides(path)), path)

    def sides(self, path: str) -> tuple[str, ...]:
        """Return git's names of what a file was merged to, and of the file as merged so far; none without lines."""
        has_lines = self.kinds[path] in ("contents", "add/add")
        return (f"{self.tree}:{path}", f"{self.head}:{path}") if has_lines else ()

    def place_in(self, blobs: Mapping[str, bytes], path: str) -> ConflictPlace:
        """Return one of the files with conflicts; ``blobs`` has the contents of its :meth:`sides`."""
        kind, sides = self.kinds[path], self.sides(path)
        if not sides:
            return ConflictPlace(path=path, kind=kind)
        merged, head = (blobs[side].decode("utf-8", "replace") if side in blobs else None for side in sides)
        size = _marker_size(merged or "")
        lines, hunk = read_markers(merged or "", head, size)
        hunk = re.sub(rf"(?m)^={{{size}}}$", "=" * _USUAL, hunk)
        # git labels the sides with commit ids, which differ from day to day.
        hunk = _OURS.sub("<<<<<<< merged so far", _THEIRS.sub(">>>>>>> this ticket", hunk))
        return ConflictPlace(path=path, kind=kind, lines=lines, hunk=hunk)


def places_of(clashes: Iterable[Clash]) -> Iterator[tuple[ConflictPlace, ...]]:
    """Yield the places of each conflict, as :attr:`Clash.places`; the files of several are read by one process."""
    rest = iter(clashes)
    while batch := tuple(itertools.islice(rest, _READ_AT_ONCE)):
        names = [side for clash in batch for path in clash.kinds for side in clash.sides(path)]
        blobs = batch[0].repository.read(names)
        for clash in batch:
            yield tuple(clash.place_in(blobs, path) for path in sorted(clash.kinds))


def clash_in(repository: Repository, head: str, tree: str, fields: list[str]) -> Clash:
    """Parse the conflict from the rest of a `merge-tree -z` answer: stages, an empty field, then messages."""
    end = fields.index("")
    staged = dict.fromkeys((entry.split("\t", 1)[1] for entry in fields[:end]), "contents")
    messages = split_messages(fields[end + 1 :])
    named = {path: word for paths, kind in messages if (word := _conflict_word(kind)) for path in paths}
    return Clash(kinds=staged | named, head=head, tree=tree, repository=repository)


def _conflict_word(kind: str) -> str:
    """Return the kind of conflict that a message reports; empty for any other message."""
    return kind.removeprefix("CONFLICT (").rstrip(")") if kind.startswith("CONFLICT (") else ""


def _marker_size(text: str) -> int:
    """Return how many characters a conflict marker has in a file that git merged."""
    found = re.search(r"^(<+) [0-9a-f]{40,64}(:|$)", text, re.MULTILINE)
    return len(found[1]) if found else _USUAL


@functools.cache
def _clash_pattern(size: int) -> re.Pattern[str]:
    start, middle, end = (rf"^{mark}{{{size}}}" for mark in "<=>")
    return re.compile(rf"{start} [^\n]*\n(?P<first>.*?){middle}\r?\n.*?{end} [^\n]*$", re.MULTILINE | re.DOTALL)


def read_markers(text: str, head: str | None = None, size: int = _USUAL) -> tuple[str, str]:
    r"""Find the conflicts in a file with conflict markers; return their lines in ``head`` and the first one's text.

    ``head`` is the file as merged so far. It lacks what the other side adds cleanly above a conflict; without ``head``
    the other side is assumed to add nothing. ``size`` is the length of a marker.

    >>> read_markers("a\n<<<<<<< x\nb\nc\n=======\nd\n>>>>>>> y\ne\n")
    ('2-3', '<<<<<<< x\nb\nc\n=======\nd\n>>>>>>> y')
    """
    ours: list[str] = []
    spans: list[tuple[int, int]] = []
    hunk, at = "", 0
    for clash in _clash_pattern(size).finditer(text):
        ours += _rows(text[at : clash.start()])
        first = _rows(clash["first"])
        spans.append((len(ours), max(len(first) - 1, 0)))
        ours, at = ours + first, clash.end() + 1
        hunk = hunk or "\n".join(_rows(clash[0])[:40])
    ours += _rows(text[at:])
    places = _places(ours, ours if head is None else _rows(head))
    return ",".join(f"{places(line) + 1}-{places(line) + 1 + more}" for line, more in spans), hunk


def _places(ours: list[str], head: list[str]) -> Callable[[int], int]:
    """Return a function from the index of a line of ``ours`` to its index in ``head``."""
    # Most of both is equal, and is left out of the comparison, which takes long.
    before = _common(ours, head)
    after = _common(ours[before:][::-1], head[before:][::-1])
    matcher = SequenceMatcher(None, ours[before : len(ours) - after], head[before : len(head) - after])
    between = [(block.a + before, block.b + before) for block in matcher.get_matching_blocks()]
    blocks = [(0, 0), *between, (len(ours) - after, len(head) - after)]

    def place(line: int) -> int:
        a, b = max(each for each in blocks if each[0] <= line)
        return max(b + line - a, 0)

    return place


def _common(one: list[str], other: list[str]) -> int:
    """Return how many lines at the beginning of both are equal."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _rows(text: str) -> list[str]:
    """Split a text into lines as git does: only at line feeds, not at form feeds or U+2028."""
    return text.removesuffix("\n").split("\n") if text else []
