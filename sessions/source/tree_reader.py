"""Find the ``.gitattributes`` files and submodules of trees, which affect merges and checkouts.

One git process reads every tree once, because successive candidates share nearly all of their subtrees.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessions.source.command import end_process, start_git
from sessions.source.repository import Repository
from sessions.source.trees import FOLDER, SUBMODULE, TreeEntry, read_entries

ATTRIBUTES = ".gitattributes"
_AT_ONCE = 400
# Attributes that can affect a merge. `diff` does when similarity is estimated, and a macro may stand for any of them.
_MERGING = re.compile(rb"merge|diff|binary|conflict-marker-size|\[attr\]")


@dataclass(frozen=True)
class Found:
    """A path in a tree, and the hexadecimal id of the blob or the submodule's commit there."""

    path: str
    id: str


@dataclass(frozen=True, kw_only=True)
class TreeFacts:
    """All ``.gitattributes`` files and submodules of a tree."""

    attributes: tuple[Found, ...] = ()
    submodules: tuple[Found, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.attributes or self.submodules)

    def below(self, folder: str) -> TreeFacts:
        """Return the same with paths that start with ``folder``."""

        def moved(found: tuple[Found, ...]) -> tuple[Found, ...]:
            return tuple(Found(f"{folder}/{each.path}", each.id) for each in found)

        return TreeFacts(attributes=moved(self.attributes), submodules=moved(self.submodules))


@dataclass
class TreeReader:
    """Reads trees and blobs of one repository."""

    repository: Repository
    _findings: dict[str, TreeFacts] = field(default_factory=dict, init=False)
    _blobs: dict[str, bytes] = field(default_factory=dict, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def find(self, tree: str) -> TreeFacts:
        """Read a tree, given by its id or as ``COMMIT^{tree}``. Raises :class:`SourceError` if an object is missing."""
        if tree not in self._findings:
            entries = self._new_entries(tree)
            for name in reversed(entries):  # subtrees were read after their parents
                self._findings[name] = self._put_together(entries[name])
        return self._findings[tree]

    def merge_attributes(self, tree: str) -> tuple[Found, ...]:
        """Return all attribute files of a tree, or none if none of them can affect a merge."""
        files = self.find(tree).attributes
        return files if any(_MERGING.search(self.blob(file.id)) for file in files) else ()

    def mentions(self, tree: str, text: bytes) -> bool:
        """Whether an attribute file of a tree contains a text."""
        return any(text in self.blob(file.id) for file in self.find(tree).attributes)

    def blob(self, name: str) -> bytes:
        """Return the content of a blob. Raises :class:`SourceError` if it is missing."""
        if name not in self._blobs:
            (self._blobs[name],) = self._read([name])
        return self._blobs[name]

    def write(self, files: tuple[Found, ...], folder: Path) -> None:
        """Write files into an empty folder."""
        for file in files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self.blob(file.id))

    def close(self) -> None:
        """End the process, if one runs."""
        if self._process is not None:
            end_process(self._process)
            self._process = None

    def _new_entries(self, tree: str) -> dict[str, list[TreeEntry]]:
        """Read the relevant entries of a tree and of all its subtrees that were not read before, level by level."""
        entries: dict[str, list[TreeEntry]] = {}
        level = [tree]
        while level:
            for name, raw in zip(level, self._read(level), strict=True):
                # Move a tree that occurs again at a deeper level to the end.
                entries.pop(name, None)
                entries[name] = read_entries(raw, self.repository.object_format, ATTRIBUTES.encode())
            below = (entry.id for name in level for entry in entries[name] if entry.mode == FOLDER)
            level = [name for name in dict.fromkeys(below) if name not in self._findings]
        return entries

    def _put_together(self, entries: Sequence[TreeEntry]) -> TreeFacts:
        here: list[TreeFacts] = []
        for entry in entries:
            name = entry.name.decode("utf-8", "surrogateescape")
            if entry.mode == FOLDER:
                if below := self._findings[entry.id]:
                    here.append(below.below(name))
            elif entry.mode == SUBMODULE:
                here.append(TreeFacts(submodules=(Found(name, entry.id),)))
            elif entry.mode & 0o170000 == 0o100000 and name == ATTRIBUTES:
                here.append(TreeFacts(attributes=(Found(name, entry.id),)))
        return TreeFacts(
            attributes=tuple(found for each in here for found in each.attributes),
            submodules=tuple(found for each in here for found in each.submodules),
        )

    def _read(self, names: Sequence[str]) -> list[bytes]:
        """Return the contents of objects. Those that a merge has just written are still single files."""
        found = {name: self.repository.read_loose(name) for name in names}
        packed = [name for name, content in found.items() if content is None]
        found |= dict(zip(packed, self._read_packed(packed), strict=True))
        return [content for name in names if (content := found[name]) is not None]

    def _read_packed(self, names: Sequence[str]) -> list[bytes]:
        """Return the contents of objects, read in batches: more names than a pipe can hold would block for ever."""
        if not names:
            return []
        if self._process is None:
            self._process = start_git("cat-file", "--batch", git_dir=self.repository.git_dir)
            weakref.finalize(self, end_process, self._process)
        contents: list[bytes] = []
        for start in range(0, len(names), _AT_ONCE):
            contents += self._ask(self._process, names[start : start + _AT_ONCE])
        return contents

    def _ask(self, process: subprocess.Popen[bytes], names: Sequence[str]) -> Iterator[bytes]:
        assert process.stdin is not None  # noqa: S101  requested as a pipe
        assert process.stdout is not None  # noqa: S101  also a pipe
        with contextlib.suppress(BrokenPipeError):  # the process ended: there is no answer to read
            process.stdin.write("".join(f"{name}\n" for name in names).encode())
            process.stdin.flush()
        for name in names:
            answer = process.stdout.readline().split()
            if len(answer) != 3:
                self.close()
                raise self.repository.lost(f"the object {name}")
            yield process.stdout.read(int(answer[2]))
            process.stdout.read(1)
