"""Find tickets that cannot be tested because git cannot check out their files, or because contents are missing.

Each ticket is checked by itself, before any of its files is written to a permanent place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from sessions.source.checkout import staged
from sessions.source.fetching import Fetched
from sessions.source.mirror import Mirror
from sessions.source.overlays import files_of, touched_files
from sessions.source.releases import Release
from sessions.source.repository import Repository
from sessions.source.submodules import fetch_submodules
from sessions.source.tree_reader import TreeReader
from sessions.source.trees import find_faults
from sessions.terminal.errors import ContentError, SourceError


def fetch_sound(
    mirror: Mirror,
    release: Release,
    branches: dict[int, str],
    elsewhere: Mapping[int, str] | None = None,
    *,
    submodules: bool = False,
) -> Fetched:
    """Fetch the branches of tickets without those whose files git cannot check out, or whose contents are missing.

    ``elsewhere`` has the addresses of other repositories, for tickets whose branches are there.

    Raises :class:`SourceError` if the release itself cannot be checked out, or the remote does not answer.
    """
    fetched = mirror.fetch_branches(branches, elsewhere or {})
    invalid = find_faults(mirror.repository, {**fetched.tips, -1: release.commit})
    if -1 in invalid:
        raise SourceError(f"The release {release.tag} is not a valid tree: {invalid[-1]}. Name another release.")
    faults = {number: f"not a valid tree: {fault}" for number, fault in invalid.items()}
    sound = {number: tip for number, tip in fetched.tips.items() if number not in faults}
    faults |= _lacking(mirror.repository, release, sound, submodules=submodules)
    return Fetched(
        tips={number: tip for number, tip in sound.items() if number not in faults}, faults=fetched.faults | faults
    )


def _lacking(repository: Repository, release: Release, tips: dict[int, str], *, submodules: bool) -> dict[int, str]:
    """Return the tickets whose contents are missing, and why."""
    faults: dict[int, str] = {}
    reader = TreeReader(repository)
    try:
        for number, commit in tips.items():
            try:
                _fetch_contents(reader, release, commit, submodules=submodules)
            except ContentError as error:
                faults[number] = str(error)
    finally:
        reader.close()
    return faults


def _fetch_contents(reader: TreeReader, release: Release, commit: str, *, submodules: bool) -> None:
    repository, tree = reader.repository, f"{commit}^{{tree}}"
    if submodules and reader.find(tree).submodules != reader.find(release.tree).submodules:
        fetch_submodules(repository, commit, repository.origin)
    if not reader.mentions(tree, b"lfs"):
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        staged(repository, commit, Path(scratch)) as stage,
    ):
        if stage.uses_lfs:
            touched = touched_files(repository, release.commit, commit)
            stage.write_some([path for path in files_of(repository, commit) if path in touched])
