"""Compute the files in which a candidate differs from the release. A probe needs nothing else from git."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sessions.source.branch_files import branch_files
from sessions.source.checkout import staged
from sessions.source.overlay_files import Overlay, OverlayFile
from sessions.source.repository import Repository
from sessions.source.submodules import fetch_submodules, submodules_of
from sessions.source.tree_reader import ATTRIBUTES
from sessions.source.trees import LINK, SUBMODULE, list_files


@dataclass(frozen=True, kw_only=True)
class _Change:
    """A path in which two trees differ: modes and ids before and after; mode 0 if the path does not exist."""

    path: str
    modes: tuple[int, int]
    ids: tuple[str, str]


def overlay_between(repository: Repository, release: str, tree: str, *, submodules: bool = False) -> Overlay:
    """Return the files that turn the release into ``tree``. Unchanged files keep their times, which keeps builds short.

    Deletions come first: if a folder became a link, deleting its old files later would follow the link. Without
    ``submodules``, each submodule is an empty folder, as in a fresh work tree.

    Raises :class:`ContentError` if the content of a file is not available, and :class:`SourceError` if our repository
    is broken.
    """
    if release == tree:
        return ()
    if submodules:
        fetch_submodules(repository, release, repository.origin)
        fetch_submodules(repository, tree, repository.origin)
    changes = _changes(repository, release, tree)
    gone = tuple(OverlayFile(path=each.path) for each in changes if not each.modes[1])
    put = {each.path: each.modes[1] for each in changes if each.modes[1] not in (0, SUBMODULE)}
    _check_present(repository, changes)
    if any(Path(each.path).name == ATTRIBUTES for each in changes):
        put |= _converted_otherwise(repository, release, tree)
    folders = tuple(_new_folder(each.path) for each in changes if each.modes[1] == SUBMODULE != each.modes[0])
    overlay = (*gone, *folders, *_written(repository, tree, put))
    if submodules:
        overlay += tuple(_inside_submodules(repository, release, tree))
    return overlay


# A tree never changes, and a day reads the same few trees many times.
@functools.lru_cache(maxsize=16)
def files_of(repository: Repository, tree: str) -> tuple[str, ...]:
    """Return the sorted paths of all files in a tree, without submodules."""
    return tuple(sorted(path for path, (mode, _) in list_files(repository, tree).items() if mode != SUBMODULE))


def size_of(repository: Repository, tree: str) -> int:
    """Return the total size of a tree's files in bytes."""
    rows = repository.git("ls-tree", "-r", "-z", "--format=%(objectsize)", tree).fields()
    return sum(int(size) for size in rows if size.isdecimal())  # a submodule has none


def touched_files(repository: Repository, release: str, commit: str) -> frozenset[str]:
    """Return the paths that a ticket's commit changes since its branch left the release's history.

    Empty if the two have no common history.
    """
    return frozenset(branch_files(repository, release, (commit,))[commit])


@functools.lru_cache(maxsize=4096)
def differing_paths(repository: Repository, before: str, after: str) -> frozenset[str]:
    """Return the paths in which two commits or trees differ; a submodule counts as one."""
    return frozenset(repository.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after).fields())


def export(repository: Repository, tree: str, folder: Path, *, submodules: bool = False) -> None:
    """Write all files of ``tree`` into ``folder``, as `git worktree add` does; with ``submodules`` also their files.

    `git archive` would not do: the export attributes make it leave out and rewrite files.

    Raises :class:`ContentError` if the content of a file is not available.
    """
    if submodules:
        fetch_submodules(repository, tree, repository.origin)
    with staged(repository, tree, folder) as stage:
        stage.write(tree)
    if submodules:
        for module in submodules_of(repository, tree, repository.origin):
            if module.url:
                inside = replace(repository, origin=module.url)
                export(inside, module.commit, folder / module.path, submodules=True)


def _changes(repository: Repository, release: str, tree: str) -> list[_Change]:
    rows = repository.git("diff-tree", "-r", "-z", "--no-renames", release, tree).fields()
    details = (row[1:].split() for row in rows[::2])
    return [
        _Change(path=path, modes=(int(old, 8), int(new, 8)), ids=(before, after))
        for (old, new, before, after, _), path in zip(details, rows[1::2], strict=True)
    ]


def _check_present(repository: Repository, changes: Iterable[_Change]) -> None:
    required = {each.ids[1]: each.path for each in changes if each.modes[1] not in (0, SUBMODULE)}
    put = "".join(f"{blob}\n" for blob in required).encode()
    rows = [line.split() for line in repository.git("cat-file", "--batch-check", put=put).lines()]
    if missing := [required[row[0]] for row in rows if row[1] == "missing"]:
        raise repository.lost(f"the content of {missing[0]}")


def _new_folder(path: str) -> OverlayFile:
    return OverlayFile(path=path, mode=SUBMODULE, content=b"")


def _converted_otherwise(repository: Repository, release: str, tree: str) -> dict[str, int]:
    """Return the files, with their modes, that git converts differently with the attributes of two trees."""
    conversions = []
    with tempfile.TemporaryDirectory(prefix="integrand-") as scratch:
        for each in (release, tree):
            with staged(repository, each, Path(scratch)) as stage:
                conversions.append(stage.conversions(stage.paths()))
    before, after = conversions
    modes = {path: mode for path, (mode, _) in list_files(repository, tree).items()}
    changed = (path for path in after if path in before and before[path] != after[path])
    return {path: modes[path] for path in changed if modes[path] not in (LINK, SUBMODULE)}


def _written(repository: Repository, tree: str, put: dict[str, int]) -> Iterator[OverlayFile]:
    """Yield files of a tree, given by path and mode, as git writes them to disk."""
    if not put:
        return
    with tempfile.TemporaryDirectory(prefix="integrand-") as scratch:
        with staged(repository, tree, Path(scratch)) as stage:
            stage.write_some(list(put))
        for path, mode in put.items():
            place = Path(scratch, path)
            content = os.fsencode(place.readlink()) if mode == LINK else place.read_bytes()
            yield OverlayFile(path=path, mode=mode, content=content)


def _inside_submodules(repository: Repository, release: str, tree: str) -> Iterator[OverlayFile]:
    """Yield the files that changed in submodules: all files of new submodules, the differences of others."""
    before = {each.path: each.commit for each in submodules_of(repository, release, repository.origin) if each.url}
    for module in submodules_of(repository, tree, repository.origin):
        if not module.url:
            continue
        inside = replace(repository, origin=module.url)
        start = before.get(module.path) or _empty_tree(repository)
        for file in overlay_between(inside, start, module.commit, submodules=True):
            yield replace(file, path=f"{module.path}/{file.path}")


def _empty_tree(repository: Repository) -> str:
    return repository.git("hash-object", "-t", "tree", "-w", "--stdin").text
