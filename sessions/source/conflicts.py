"""Where two sides clash: files, lines, and the text of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sessions.source.repository import Repository

_CLASH = re.compile(r"^<<<<<<< [^\n]*\n(?P<first>.*?)^=======\r?\n.*?^>>>>>>> [^\n]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One file in which a merge clashed.

    ``kind`` is git's own word: ``contents``, ``modify/delete``, ``add/add``… ``lines`` are the lines of the clash
    in the version merged so far, as ``12-15,40-40``; empty where the clash is not about lines. ``hunk`` is the
    first clash with its markers, cut to a page.
    """

    path: str
    kind: str
    lines: str = ""
    hunk: str = ""


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Why a merge failed: at least one file, with git's word for what is wrong with it.

    ``tree`` is what git made of the merge, with markers in the files; they are only read when somebody asks, as
    most clashes are never shown.
    """

    kinds: Mapping[str, str]
    tree: str
    repository: Repository

    @property
    def paths(self) -> frozenset[str]:
        """The files that clash."""
        return frozenset(self.kinds)

    @property
    def places(self) -> tuple[Place, ...]:
        """Every file that clashes, with its lines; sorted."""
        return tuple(self.place(path) for path in sorted(self.kinds))

    def place(self, path: str) -> Place:
        """One of the files that clash, with its lines."""
        kind = self.kinds[path]
        if kind not in ("contents", "add/add"):
            return Place(path=path, kind=kind)
        blob = self.repository.git("cat-file", "blob", f"{self.tree}:{path}", ok=(0, 128), may_complain=True)
        lines, hunk = read_markers(blob.out.decode("utf-8", "replace")) if not blob.status else ("", "")
        return Place(path=path, kind=kind, lines=lines, hunk=hunk)


def clash_in(repository: Repository, tree: str, fields: list[str]) -> Clash:
    """The clash in the rest of a `merge-tree -z` answer: stages, an empty field, then messages.

    The type of a message is stable between versions of git, its text is not: only the type is used.
    """
    end = fields.index("")
    staged = dict.fromkeys((entry.split("\t", 1)[1] for entry in fields[:end]), "contents")
    told = {path: kind for paths, kind in _messages(fields[end + 1 :]) for path in paths}
    return Clash(kinds=staged | told, tree=tree, repository=repository)


def _messages(fields: list[str]) -> list[tuple[list[str], str]]:
    found, at = [], 0
    while at < len(fields):
        count = int(fields[at])
        kind = fields[at + count + 1]
        if kind.startswith("CONFLICT ("):
            found.append((fields[at + 1 : at + 1 + count], kind.removeprefix("CONFLICT (").rstrip(")")))
        at += count + 3
    return found


def read_markers(text: str) -> tuple[str, str]:
    r"""The clashes in a file with conflict markers: their lines in the first side, and the first one's text.

    >>> read_markers("a\n<<<<<<< x\nb\nc\n=======\nd\n>>>>>>> y\ne\n")
    ('2-3', '<<<<<<< x\nb\nc\n=======\nd\n>>>>>>> y')
    """
    spans: list[str] = []
    hunk, line, at = "", 1, 0
    for clash in _CLASH.finditer(text):
        line += text.count("\n", at, clash.start())
        height = clash["first"].count("\n")
        spans.append(f"{line}-{line + max(height - 1, 0)}")
        line, at = line + height, clash.end() + 1
        hunk = hunk or "\n".join(clash[0].splitlines()[:40])
    return ",".join(spans), hunk
