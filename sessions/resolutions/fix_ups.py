"""Fix-ups: changes that two tickets need together, although git merges them without a conflict."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sessions.resolutions.model import About, Resolution, ResolutionKind, ResolutionPart, fix_up_key
from sessions.source.repository import Repository
from sessions.source.tree_edit import edit_tree, entries_at, write_blob
from sessions.source.unmerged import FileEntry

_SIGNATURE = "integrand <integrand@localhost> 0 +0000"


def make_fix_up(repository: Repository, before: str, after: str, about: About) -> Resolution | None:
    """Return the difference of two trees as a fix-up for ``about.commits``; ``None`` if there is none."""
    paths = repository.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after).fields()
    if not paths:
        return None
    parts = dict[str, ResolutionPart]()
    for side, tree in (("before", before), ("after", after)):
        entries = entries_at(repository, tree, paths)
        contents = repository.read(entry.id for entry in entries.values())
        parts |= {
            f"{side}/{path}": ResolutionPart(content=contents[entry.id], mode=entry.mode)
            for path, entry in entries.items()
            if entry.id in contents  # a submodule has none
        }
    return Resolution(kind=ResolutionKind.FIX_UP, key=fix_up_key(about.commits.values()), about=about, parts=parts)


def apply_fix_up(repository: Repository, tree: str, fix_up: Resolution) -> str | None:
    """Return the tree with what a fix-up changes, merged by git; ``None`` if that conflicts with what is there."""
    sides = {side: _entries(repository, fix_up, side) for side in ("before", "after")}
    paths = {path for entries in sides.values() for path in entries}
    before, after = (edit_tree(repository, tree, _changes(entries, paths)) for entries in sides.values())
    base = _commit(repository, before)
    merged = repository.git(
        *("merge-tree", "--write-tree", "--no-messages", "-z"),
        *(_commit(repository, tree, base), _commit(repository, after, base)),
        ok=(0, 1),
    )
    return None if merged.status else merged.fields()[0]


def _entries(repository: Repository, fix_up: Resolution, side: str) -> dict[str, FileEntry]:
    return {
        path.removeprefix(f"{side}/"): FileEntry(mode=part.mode, id=write_blob(repository, part.content))
        for path, part in fix_up.parts.items()
        if path.startswith(f"{side}/")
    }


def _changes(entries: Mapping[str, FileEntry], paths: Collection[str]) -> dict[str, FileEntry | None]:
    return {path: entries.get(path) for path in paths}


def _commit(repository: Repository, tree: str, *parents: str) -> str:
    rows = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    rows += [f"author {_SIGNATURE}", f"committer {_SIGNATURE}", "", "fix-up", ""]
    return repository.write_commit("\n".join(rows).encode())
