"""Check and rebuild a damaged mirror: it is only a copy, and damage to it must not stop a day.

A killed process leaves locks and half-written files behind. They are removed when no process uses the mirror any more.
When git complains about objects or refs, the mirror is marked; the next call lets git check it, and drops what git
cannot read. See https://git-scm.com/docs/git-fsck and https://git-scm.com/docs/gitrepository-layout.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sessions.source.command import call_git

# Messages of git about a damaged copy. Those about the remote repository begin with `remote:`.
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
# Seconds. Checking a mirror as large as Sage's takes minutes; a check that takes longer counts as failed.
_PATIENCE = 3600.0
_OURS = ("refs/integrand/days/", "refs/integrand/evidence/")


def is_of_this_disk(complaint: str) -> bool:
    """Whether git complains about our copy, and not about the remote repository.

    >>> is_of_this_disk("fatal: loose object 0123 is corrupt"), is_of_this_disk("remote: fatal: bad object 0123")
    (True, False)
    """
    return any(_DAMAGE.search(line) for line in complaint.splitlines() if not line.startswith("remote:"))


def complaint_file(path: Path) -> Path:
    """Return the path of the file beside a mirror that marks it as suspect."""
    return path.with_name(f"{path.name}.suspect")


def suspect_mirrors(state: Path) -> list[Path]:
    """Return the files in a state folder that mark mirrors as suspect."""
    return sorted((state / "mirrors").glob("*.suspect"))


def heal(path: Path) -> None:
    """Remove what killed processes left in a mirror; if it is marked as suspect, check it, and rebuild it if needed.

    Lost objects are fetched again when they are needed. Heads of earlier days are kept if git can read them.
    """
    damaged = path.with_name(f"{path.name}.damaged")
    if damaged.is_dir() and not path.exists():
        shutil.rmtree(damaged)  # a session was killed while it rebuilt the mirror
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
    """Whether git can read all objects and refs, and no referenced object is missing."""
    reply = call_git("fsck", "--full", "--no-dangling", "--no-progress", git_dir=path, patience=_PATIENCE)
    refs = call_git("for-each-ref", "--format=%(objectname)", git_dir=path)
    # Status 1 alone may mean an odd object from a ticket. Any other status means damage.
    is_readable = reply.status in (0, 1) and not _UNREADABLE.search(reply.err)
    return is_readable and not refs.status and "broken ref" not in refs.err


def _make_anew(path: Path, damaged: Path) -> None:
    """Replace a mirror with a new one that has only the heads of earlier days that git can read."""
    object_format = "sha256" if path.name.endswith("-sha256.git") else "sha1"
    shutil.rmtree(damaged, ignore_errors=True)
    path.rename(damaged)
    frame = ("--bare", "--template=", "--initial-branch=main", f"--object-format={object_format}")
    call_git("init", "--quiet", *frame, "--", str(path), git_dir=None)
    # git checks what it fetches, and rejects a ref with missing objects as a whole.
    refs = call_git("for-each-ref", "--format=%(refname)", *_OURS, git_dir=damaged).lines()
    for ref in refs:
        arguments = ("-c", "fetch.fsckObjects=true", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")
        call_git(*arguments, str(damaged), f"+{ref}:{ref}", git_dir=path, patience=_PATIENCE)
    shutil.rmtree(damaged)


def _remove_leftovers(path: Path) -> None:
    """Remove locks and half-written packs and objects."""
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
    """Remove indexes that git can rebuild from the objects."""
    shutil.rmtree(path / "objects" / "info" / "commit-graphs", ignore_errors=True)
    for name in ("info/commit-graph", "pack/multi-pack-index"):
        (path / "objects" / name).unlink(missing_ok=True)


def _is_in_use(path: Path) -> bool:
    """Whether a git process still uses the mirror, for example one whose session was killed."""
    name = os.fsencode(path)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another user's
            continue
        if name in arguments and any(word.endswith(b"git") for word in arguments[:2]):
            return True
    return False
