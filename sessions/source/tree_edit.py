"""Trees made from other trees by replacing some entries, without a work tree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from sessions.source.repository import Repository
from sessions.source.unmerged import FileEntry


def edit_tree(repository: Repository, tree: str, changes: Mapping[str, FileEntry | None]) -> str:
    """Return the tree that has ``changes`` in place of its own entries at these paths; ``None`` removes one.

    Raises :class:`SourceError` for a path that git allows in no tree, as ``.git/config``.
    """
    if not changes:
        return tree
    none = "0" * len(tree)
    rows = "".join(
        f"{entry.mode if entry else '0'} {entry.id if entry else none}\t{path}\0" for path, entry in changes.items()
    )
    with tempfile.TemporaryDirectory(prefix="integrand-index-") as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        repository.git("read-tree", tree, env=environment)
        put = rows.encode("utf-8", "surrogateescape")
        repository.git("update-index", "-z", "--index-info", put=put, env=environment)
        return repository.git("write-tree", env=environment).text


def entries_at(repository: Repository, tree: str, paths: Iterable[str]) -> dict[str, FileEntry]:
    """Return the files of a tree at these paths; a path without a file is left out."""
    chosen = set(paths)
    rows = repository.git("ls-tree", "-r", "-z", "--full-tree", tree).fields() if chosen else []
    found = dict[str, FileEntry]()
    for row in rows:
        about, path = row.split("\t", 1)
        if path in chosen:
            mode, _, object_id = about.split(" ")
            found[path] = FileEntry(mode=mode, id=object_id)
    return found


def write_blob(repository: Repository, content: bytes) -> str:
    """Store a file's content, and return its full hex id."""
    return repository.git("hash-object", "-w", "--stdin", put=content).text
