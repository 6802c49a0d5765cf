"""Files with conflict markers, taken apart and filled in again. Pure: no git, no files.

The markers are those of git's style ``zdiff3`` (see ``merge.conflictStyle`` in git-config(1)), or of the style
``merge``, which leaves the base out. All content is bytes, as git merges bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from itertools import islice

_LABEL = rb"( [^\n]*)?\r?\n?"
# `git merge-tree` labels both sides with the commits that it was given, and the path where a file was renamed.
_START = re.compile(rb"(<{7,}) [0-9a-f]{40,64}(:[^\n]*)?\r?\n")
_BARE_START = re.compile(rb"(<{7,})\r?\n")


@dataclass(frozen=True)
class ConflictHunk:
    """One conflict within a file: the text of both sides, and of the base; ``None`` where that is not known."""

    ours: bytes
    theirs: bytes
    base: bytes | None

    @property
    def sides(self) -> tuple[bytes, bytes]:
        """Both sides, in an order that does not depend on which was merged onto which."""
        first, second = sorted((self.ours, self.theirs))
        return first, second

    @property
    def key(self) -> str:
        """A hash of both sides and the base, in hex; one byte more or less gives another one."""
        parts = [b"" if self.base is None else self.base, *self.sides]
        return sha256(b"".join(b"%d\0%b" % (len(part), part) for part in parts)).hexdigest()


@dataclass(frozen=True)
class MarkedFile:
    """A file with conflicts: the text ``outside`` of them, one part more than there are ``hunks``."""

    outside: tuple[bytes, ...]
    hunks: tuple[ConflictHunk, ...]

    def fill(self, texts: Sequence[bytes]) -> bytes:
        """Return the file with a text in place of each hunk."""
        filled = [part for pair in zip(self.outside, texts, strict=False) for part in pair]
        return b"".join([*filled, self.outside[-1]])

    def texts_in(self, resolved: bytes) -> tuple[bytes, ...] | None:
        """Return what ``resolved`` has in place of each hunk; ``None`` if other lines differ, or it is ambiguous."""
        parts = [_rows(part) for part in self.outside]
        found = list(islice(_texts(parts, _rows(resolved)), 2))
        return found[0] if len(found) == 1 else None

    @property
    def rerere_id(self) -> str:
        """The name that git rerere gives to these conflicts: see "handle_path" in git's rerere.c."""
        digest = sha1(usedforsecurity=False)
        for hunk in self.hunks:
            digest.update(b"".join(side + b"\0" for side in hunk.sides))
        return digest.hexdigest()


def read_marked(content: bytes, *, has_base: bool = True, has_labels: bool = True) -> MarkedFile | None:
    """Read a file with conflict markers; ``None`` if it has none, or if its own lines look like markers.

    ``has_base``: the style is ``zdiff3``. ``has_labels``: each marker names a side; in git's rr-cache none does.
    """
    rows = iter(_rows(content))
    outside, hunks = list[bytes]([b""]), list[ConflictHunk]()
    start = _START if has_labels else _BARE_START
    for row in rows:
        found = start.fullmatch(row)
        if found is None:
            outside[-1] += row
            continue
        hunk = _read_hunk(rows, len(found[1]), has_base=has_base)
        if hunk is None:
            return None
        hunks.append(hunk)
        outside.append(b"")
    return MarkedFile(tuple(outside), tuple(hunks)) if hunks else None


def _read_hunk(rows: Iterator[bytes], size: int, *, has_base: bool) -> ConflictHunk | None:
    """Read a hunk up to its end; ``None`` where a line of its text looks like a marker."""
    marks = {mark: re.compile(rb"\%b{%d}%b" % (mark, size, _LABEL)) for mark in (b"<", b"|", b"=", b">")}
    order = [b"|", b"=", b">"] if has_base else [b"=", b">"]
    parts = list[bytes]([b""])
    for row in rows:
        if marks[order[len(parts) - 1]].fullmatch(row):
            if len(parts) == len(order):
                ours, *base, theirs = parts
                return ConflictHunk(ours, theirs, base[0] if base else None)
            parts.append(b"")
        elif any(mark.fullmatch(row) for mark in marks.values()):
            return None
        else:
            parts[-1] += row
    return None


def _texts(outside: list[list[bytes]], resolved: list[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Yield all ways in which ``resolved`` consists of the parts ``outside`` in this order, and texts in between."""
    first, *middle, last = outside
    end = len(resolved) - len(last)
    if len(first) > end or resolved[: len(first)] != first or resolved[end:] != last:
        return
    yield from _texts_between(middle, resolved, len(first), end)


def _texts_between(middle: list[list[bytes]], resolved: list[bytes], at: int, end: int) -> Iterator[tuple[bytes, ...]]:
    if not middle:
        yield (b"".join(resolved[at:end]),)
        return
    part, *rest = middle
    for place in range(at, end - len(part) + 1):
        if resolved[place : place + len(part)] == part:
            text = b"".join(resolved[at:place])
            for more in _texts_between(rest, resolved, place + len(part), end):
                yield (text, *more)


def _rows(content: bytes) -> list[bytes]:
    """Split into lines with their ends; only a line feed ends a line, as for git."""
    return re.findall(rb"[^\n]*\n|[^\n]+", content)
