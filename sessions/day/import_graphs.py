"""The import graph of a tree's Python files; what each version of a file imports is kept in the state folder."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from sessions.gates.python_imports import ImportGraph, imported_names
from sessions.ledger.record_file import write_whole
from sessions.source.repository import Repository
from sessions.source.trees import list_files

_CACHE = "imports.json"


def import_graph(repository: Repository, tree: str, state: Path) -> ImportGraph:
    """Return the graph of a tree. Only files that were not in the tree before are read; others are forgotten."""
    blobs = {path: blob for path, (_, blob) in list_files(repository, tree).items() if path.endswith(".py")}
    cache, known = state / _CACHE, dict[str, list[str]]()
    with suppress(OSError, ValueError):
        known = json.loads(cache.read_text(encoding="utf-8"))
    if missing := sorted({blob for blob in blobs.values() if blob not in known}):
        known |= {blob: list(imported_names(source)) for blob, source in repository.read(missing).items()}
        kept = {blob: known[blob] for blob in sorted(set(blobs.values())) if blob in known}
        write_whole(cache, json.dumps(kept))
    return ImportGraph({path: known.get(blob, ()) for path, blob in blobs.items()})
