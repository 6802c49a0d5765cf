"""The files in which a candidate differs from the release: all that a probe needs of git."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from sessions.errors import SourceError
from sessions.source.overlay_files import Overlay, OverlayFile
from sessions.source.repository import Repository


def overlay_between(repository: Repository, release: str, tree: str) -> Overlay:
    """What turns the release's files into those of ``tree``; unchanged files keep their times, builds stay short.

    What to take away comes first: where a folder became a link, its old files would else be sought behind the link.

    Raises :class:`SourceError` where a submodule changed: its content is not in this repository; and where the
    content of a file is missing.
    """
    if release == tree:
        return ()
    rows = repository.git("diff-tree", "-r", "-z", "--no-renames", release, tree).fields()
    gone, put = list[OverlayFile](), list[tuple[str, int, str]]()
    for row, path in zip(rows[::2], rows[1::2], strict=True):
        _, mode, _, blob, change = row.split()
        if change == "D":
            gone.append(OverlayFile(path=path))
        elif mode == "160000":
            raise SourceError(f"{path} is a submodule that changed since the release, and submodules cannot be merged.")
        else:
            put.append((path, int(mode, 8), blob))
    contents = repository.read(blob for _, _, blob in put)
    if missing := [path for path, _, blob in put if blob not in contents]:
        raise SourceError(
            f"{repository.path} lacks the content of {missing[0]}: delete it and run again; it is a copy."
        )
    return (
        *gone,
        *(OverlayFile(path=path, mode=mode, content=contents[blob]) for path, mode, blob in put),
    )


# A tree never changes, and a day asks for the same few again and again.
@functools.lru_cache(maxsize=16)
def files_of(repository: Repository, tree: str) -> tuple[str, ...]:
    """The paths of all files in a tree, sorted."""
    return tuple(sorted(repository.git("ls-tree", "-r", "-z", "--name-only", tree).fields()))


def size_of(repository: Repository, tree: str) -> int:
    """How many bytes the files of a tree take."""
    rows = repository.git("ls-tree", "-r", "-z", "--format=%(objectsize)", tree).fields()
    return sum(int(size) for size in rows if size.isdecimal())  # a submodule has none


def touched_files(repository: Repository, release: str, commit: str) -> frozenset[str]:
    """The paths in which a ticket's commit differs from where it left the release's history; none if it never did."""
    # Not `diff-tree --merge-base`: it gives up where there are several, as after merges across.
    base = repository.git("merge-base", release, commit, ok=(0, 1, 128), may_complain=True)
    if base.status:
        return frozenset()
    words = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", base.text, commit)
    return frozenset(repository.git(*words).fields())


def export(repository: Repository, tree: str, folder: Path) -> None:
    """Write all files of ``tree`` into ``folder``.

    Not `git archive`: it would leave out and rewrite files as ``.gitattributes`` says, which is for releases.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        where = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), "GIT_WORK_TREE": str(folder)}
        repository.git("read-tree", tree, env=where)
        repository.git("checkout-index", "--all", "--force", env=where)
