"""A mirror that is damaged is checked and made anew: it is only a copy, and a damaged copy must end nobody's day.

A killed process leaves locks and half-written files behind, which are removed when nothing works in the mirror any
more. Where git complains of objects or refs, the mirror is marked; the next call has git check it, and what git cannot
read is left behind. See https://git-scm.com/docs/git-fsck and https://git-scm.com/docs/gitrepository-layout.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sessions.source.command import call_git

# What git says of a copy that is damaged; of another repository it says so after `remote:`.
_DAMAGE = re.compile(
    r"\b(bad|corrupt(ed)?|missing|broken|damaged|truncated|garbage|unterminated|invalid|empty|inflate|mismatch)\b"
    r"|(unable to|(could|can) ?not) (access|create|find|get|lock|map|mmap|open|parse|read|unpack)"
    r"|unknown (revision|object)|unexpected (line|end|object)|not a (valid|git|commit|tree|blob)"
    r"|does not (match|point|exist)|failed to (load|parse|read|traverse|unpack)|it ended"
    r"|lacks the object|index file|packfile|commit-graph|packed-refs|\.lock'",
    re.IGNORECASE,
)
_UNREADABLE = re.compile(r"corrupt|mismatch|missing|unable to|empty|inflate|could not|broken|invalid sha1 pointer")
# Folders and files without which git sees no repository, see gitrepository-layout(5).
_FRAME = ("objects", "refs")
# A check of a mirror as large as Sage's takes minutes; one that takes longer than this is no check.
_PATIENCE = 3600.0
_OURS = ("refs/integrand/days/", "refs/integrand/evidence/")


def is_of_this_disk(complaint: str) -> bool:
    """Whether git complains of what may be wrong with the copy here, and not of the repository elsewhere.

    >>> is_of_this_disk("fatal: loose object 0123 is corrupt"), is_of_this_disk("remote: fatal: bad object 0123")
    (True, False)
    """
    return any(_DAMAGE.search(line) for line in complaint.splitlines() if not line.startswith("remote:"))


def complaint_file(path: Path) -> Path:
    """Return the file beside a mirror that says that git complained of it."""
    return path.with_name(f"{path.name}.suspect")


def suspect_mirrors(state: Path) -> list[Path]:
    """Return the files in a state folder that say of a mirror that git complained of it."""
    return sorted((state / "mirrors").glob("*.suspect"))


def heal(path: Path) -> None:
    """Remove what killed processes left in a mirror; where git complained of it, check it, and remove what is damaged.

    What was in there is fetched again by whoever needs it. Heads of earlier days are kept where they can be read.
    """
    damaged = path.with_name(f"{path.name}.damaged")
    if damaged.is_dir() and not path.exists():
        shutil.rmtree(damaged)  # a call was killed before it had made the mirror anew
    if not path.is_dir():
        return
    if not _is_in_use(path):
        _remove_leftovers(path)
    mark = complaint_file(path)
    if not _is_repository(path):
        mark.touch()
    if not mark.exists():
        return
    _remove_indexes(path)
    if not _is_repository(path) or not _is_sound(path):
        _make_anew(path, damaged)
    mark.unlink()


def _is_repository(path: Path) -> bool:
    return (
        all((path / name).is_dir() for name in _FRAME) and not call_git("rev-parse", "--git-dir", git_dir=path).status
    )


def _is_sound(path: Path) -> bool:
    """Whether git can read all objects and refs, and finds all that they name."""
    reply = call_git("fsck", "--full", "--no-dangling", "--no-progress", git_dir=path, patience=_PATIENCE)
    refs = call_git("for-each-ref", "--format=%(objectname)", git_dir=path)
    # Status 1 alone may be an odd object that a ticket brought; all others are damage.
    is_readable = reply.status in (0, 1) and not _UNREADABLE.search(reply.err)
    return is_readable and not refs.status and "broken ref" not in refs.err


def _make_anew(path: Path, damaged: Path) -> None:
    """Replace a mirror with an empty one that has the heads of earlier days, as far as these can be read."""
    object_format = "sha256" if path.name.endswith("-sha256.git") else "sha1"
    shutil.rmtree(damaged, ignore_errors=True)
    path.rename(damaged)
    frame = ("--bare", "--template=", "--initial-branch=main", f"--object-format={object_format}")
    call_git("init", "--quiet", *frame, "--", str(path), git_dir=None)
    # git checks what it fetches, and takes over nothing of a ref that is not whole.
    refs = call_git("for-each-ref", "--format=%(refname)", *_OURS, git_dir=damaged).lines()
    for ref in refs:
        arguments = ("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")
        call_git(*arguments, str(damaged), f"+{ref}:{ref}", git_dir=path, patience=_PATIENCE)
    shutil.rmtree(damaged)


def _remove_leftovers(path: Path) -> None:
    """Remove locks, and packs and objects that were half written."""
    for file in _leftovers(path):
        file.unlink(missing_ok=True)


def _leftovers(path: Path) -> Iterator[Path]:
    yield from path.glob("*.lock")
    yield from path.glob("gc.pid")
    yield from (path / "refs").rglob("*.lock")
    yield from (path / "objects").glob("info/**/*.lock")
    yield from (path / "objects").glob("pack/tmp_*")
    yield from (path / "objects").glob("[0-9a-f][0-9a-f]/tmp_obj_*")


def _remove_indexes(path: Path) -> None:
    """Remove what git makes again from the objects themselves."""
    shutil.rmtree(path / "objects" / "info" / "commit-graphs", ignore_errors=True)
    for name in ("info/commit-graph", "pack/multi-pack-index"):
        (path / "objects" / name).unlink(missing_ok=True)


def _is_in_use(path: Path) -> bool:
    """Whether a process works in the mirror: one of a session that was killed may still do."""
    name = os.fsencode(path)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        if name in arguments and any(word.endswith(b"git") for word in arguments[:2]):
            return True
    return False
