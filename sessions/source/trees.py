"""Parse trees as git stores them, and refuse dangerous entries in those of tickets.

The format of an entry is the mode in octal, a space, the name, NUL, and the binary object id. Git's check on transfer
(``fetch.fsckObjects``) would not do: it fails a whole fetch for one bad object, and rejects harmless oddities of old
repositories, such as ``zeroPaddedFilemode``. Here, an entry that could be written outside of its folder is refused, and
only its ticket is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sessions.source.repository import ObjectFormat, Repository

_ENTRIES: Mapping[ObjectFormat, re.Pattern[bytes]] = {
    "sha1": re.compile(rb"([0-7]+) ([^\0]*)\0(.{20})", re.DOTALL),
    "sha256": re.compile(rb"([0-7]+) ([^\0]*)\0(.{32})", re.DOTALL),
}
_WHOLE = {name: re.compile(rb"(?:%s)*+" % one.pattern, re.DOTALL) for name, one in _ENTRIES.items()}
# Matches names, joined by NUL, if one of them may be bad. This quick check passes nearly all trees.
_SUSPICIOUS = re.compile(rb"(?i)git|[/~\x80-\xff]|(?:^|\0)\.{0,2}(?:\0|$)")
_FOLDERS = (b"40000", b"040000")
_NO_FILES = (*_FOLDERS, b"160000")
FOLDER, LINK, SUBMODULE = 0o40000, 0o120000, 0o160000
# Code points that HFS+ ignores in names, after `next_hfs_char` in git's utf8.c.
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
# NTFS drops dots and spaces at the end, reads a colon as the start of a stream's name, and has short names.
_HASHED = "|".join(f"{'gi7eba'[:length]}~[1-9][0-9]{{{6 - length}}}" for length in range(7))
_NTFS_GIT, _NTFS_GITMODULES = (
    re.compile(rf"(?:{names})[ .]*(?::.*)?", re.IGNORECASE | re.ASCII | re.DOTALL)
    for names in (r"\.git|git~1", rf"\.gitmodules|gitmod~[1-4]|{_HASHED}")
)


@dataclass(frozen=True)
class TreeEntry:
    """An entry of a tree. ``id`` is hexadecimal."""

    mode: int
    name: bytes
    id: str


def list_files(repository: Repository, tree: str) -> dict[str, tuple[int, str]]:
    """Return the mode and the id of all files and submodules of a tree, by path."""
    # Not `--format`: it quotes paths, even with -z.
    rows = (row.split("\t", 1) for row in repository.git("ls-tree", "-r", "-z", "--full-tree", tree).fields())
    split = ((details.split(), path) for details, path in rows)
    return {path: (int(mode, 8), id_) for (mode, _, id_), path in split}


def read_entries(raw: bytes, object_format: ObjectFormat, name: bytes | None = None) -> list[TreeEntry]:
    """Return the entries of a tree object: all, or only folders, submodules and files of this ``name``.

    Raises :class:`ValueError` if it is not a tree.
    """
    rows = _ENTRIES[object_format].findall(raw)
    if name is None:
        if not _is_whole(raw, object_format):
            raise ValueError("its entries cannot be read")
    else:  # skip files quickly: large trees consist mostly of them
        rows = [row for row in rows if row[0] in _NO_FILES or row[1] == name]
    return [TreeEntry(int(mode, 8), each, binary.hex()) for mode, each, binary in rows]


def entry_fault(entry: TreeEntry) -> str:
    """Return why git would not check out an entry; empty if it would."""
    name = entry.name
    if b"/" in name or name in (b"", b".", b".."):
        return f"an entry is called {_shown(name)}"
    if _is_alike(name, ".git", _NTFS_GIT):
        return f"{_shown(name)} is where git keeps its own files"
    if entry.mode == LINK and _is_alike(name, ".gitmodules", _NTFS_GITMODULES):
        return f"{_shown(name)} is a symbolic link"
    return ""


def find_faults(repository: Repository, tickets: Mapping[int, str]) -> dict[int, str]:
    """Return, by ticket number, why git would not check out the tree of a ticket's commit.

    All trees are read level by level, each once. Missing trees are ignored.
    """
    forest = _Forest()
    roots = {number: f"{commit}^{{tree}}" for number, commit in tickets.items()}
    level: Iterable[str] = set(roots.values())
    while level:
        for name, raw in repository.read_objects(level, "tree").items():
            forest.add(name, raw, repository.object_format)
        level = {child for name in level for child, _ in forest.children.get(name, ())} - forest.children.keys()
    if not forest.faults:
        return {}
    faults = {number: forest.fault_below(root) for number, root in roots.items()}
    return {number: fault for number, fault in faults.items() if fault}


def _tree_fault(raw: bytes, object_format: ObjectFormat, names: list[bytes]) -> str:
    """Return what is wrong with a tree whose entries have these names; empty if nothing is."""
    if not _SUSPICIOUS.search(b"\0".join(names)) and len(set(names)) == len(names) and _is_whole(raw, object_format):
        return ""
    try:
        entries = read_entries(raw, object_format)
    except ValueError as error:
        return str(error)
    twice = (f"{_shown(name)} is there twice" for name, count in Counter(names).items() if count > 1)
    return next((fault for fault in (*map(entry_fault, entries), *twice) if fault), "")


def _is_whole(raw: bytes, object_format: ObjectFormat) -> bool:
    return _WHOLE[object_format].fullmatch(raw) is not None


class _Forest:
    """The trees that were read, by id: their subtrees, and their faults."""

    def __init__(self) -> None:
        self.children: dict[str, list[tuple[str, bytes]]] = {}
        self.faults: dict[str, str] = {}

    def add(self, name: str, raw: bytes, object_format: ObjectFormat) -> None:
        rows = _ENTRIES[object_format].findall(raw)
        self.children[name] = [(binary.hex(), each) for mode, each, binary in rows if mode in _FOLDERS]
        if fault := _tree_fault(raw, object_format, [each for _, each, _ in rows]):
            self.faults[name] = fault

    def fault_below(self, root: str) -> str:
        """Return the first fault in a tree and its subtrees, with its folder; empty if there is none."""
        open_, seen = [(root, "")], set[str]()
        while open_:
            tree, path = open_.pop()
            if tree in self.faults:
                return self.faults[tree] + (f", in {path[:-1]}" if path else "")
            for child, name in self.children.get(tree, ()):
                if child not in seen:
                    seen.add(child)
                    open_.append((child, f"{path}{name.decode('utf-8', 'replace')}/"))
        return ""


def _is_alike(name: bytes, plain: str, short: re.Pattern[str]) -> bool:
    """Whether a file system treats ``name`` like ``plain``; ``short`` matches its short names on NTFS.

    Follows ``is_hfs_dotgit`` in git's utf8.c, and ``is_ntfs_dotgit`` and ``is_ntfs_dot_generic`` in its path.c.
    """
    text = name.decode("utf-8", "surrogateescape")
    # For HFS+, git reads a name up to the first byte that is not UTF-8.
    on_hfs = re.split("[\udc80-\udcff]", text, maxsplit=1)[0].translate(_IGNORED_BY_HFS).lower()
    return on_hfs == plain or any(short.fullmatch(part) for part in text.split("\\"))


def _shown(name: bytes) -> str:
    return f"{name.decode('utf-8', 'replace')!r}"
