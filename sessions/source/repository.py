"""A bare repository, read and written by git's plumbing commands."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal

from gitdb import IStream, LooseObjectDB
from gitdb.exc import BadObject

from sessions.source.command import GitReply, call_git, git_version
from sessions.source.healing import complaint_file, heal, is_of_this_disk
from sessions.terminal.errors import SourceError

_IS_ID = re.compile(r"[0-9a-f]{40}")
ObjectFormat = Literal["sha1", "sha256"]
# What Integrand up to 1.0 wrote into mirrors to turn conversions off.
_FORMER_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"


@dataclass(frozen=True)
class Repository:
    """A repository on this disk.

    ``git_dir`` is its git folder, which is ``path`` itself for a bare repository. ``origin`` is the address that its
    objects come from, or empty; Git LFS fetches contents from there.
    """

    path: Path
    git_dir: Path
    object_format: ObjectFormat
    origin: str
    _objects: LooseObjectDB | None = field(repr=False, compare=False)

    @classmethod
    def open(cls, path: Path, object_format: ObjectFormat = "sha1", origin: str = "") -> Repository:
        """Open the repository at ``path``, or create it with ``object_format`` if there is none.

        Raises :class:`SourceError` if something else is at ``path``, or git is missing or too old.
        """
        git_version()
        if origin:
            heal(path)
        if not path.exists():
            _make(path, object_format)
        git_dir = path / ".git" if (path / ".git").is_dir() else path
        reply = call_git("rev-parse", "--show-object-format", git_dir=git_dir) if git_dir.is_dir() else None
        if reply is None or reply.status:
            why = reply.last_words if reply else "it is a file"
            raise SourceError(f"{path} is no git repository: delete it and run again; it is only a copy. ({why})")
        _forget_former_attributes(git_dir)
        found: ObjectFormat = "sha256" if reply.text == "sha256" else "sha1"
        return cls(path, git_dir, found, origin, _loose_objects(git_dir) if found == "sha1" else None)

    def git(
        self,
        *arguments: str,
        put: bytes = b"",
        ok: tuple[int, ...] = (0,),
        online: bool = False,
        may_complain: bool = False,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> GitReply:
        """Run one git command with ``put`` on its standard input.

        ``online`` commands (fetch, push) get the user's credentials; all others see nothing of the user.

        Raises :class:`SourceError` for a status not in ``ok``, and for an error message at any status unless git
        ``may_complain``: before git 2.45, a missing object could go with status 0.
        """
        reply = call_git(*arguments, git_dir=self.git_dir, put=put, env=env, online=online, cwd=cwd)
        failed = reply.status not in ok or (reply.complains and not online and not may_complain)
        if failed or (reply.status and online):
            self.suspect(reply.err)
        if failed:
            raise SourceError(
                f"git {arguments[0]} failed in {self.path}: {reply.last_words or f'status {reply.status}'}"
            )
        return reply

    def suspect(self, complaint: str) -> None:
        """Mark this copy as suspect because git complained, so that the next call checks it: see ``healing.py``."""
        if self.origin and is_of_this_disk(complaint):
            with suppress(OSError):
                complaint_file(self.path).write_text(complaint[:2000], encoding="utf-8", errors="replace")

    def lost(self, what: str) -> SourceError:
        """Return the error for a missing object or ref, and mark this copy as suspect."""
        self.suspect(f"missing: {what}")
        return SourceError(f"{self.path} lacks {what}: run again, and it is fetched anew; the folder is only a copy.")

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """Read blobs by their names (``<id>`` or ``<tree>:<path>``) in one process; return their contents by name.

        Names that do not exist, or are no blobs, are left out.
        """
        return self.read_objects(names, "blob")

    def read_objects(self, names: Iterable[str], kind: Literal["blob", "tree"]) -> dict[str, bytes]:
        """Like :meth:`read`, for objects of a ``kind``; trees are in git's binary format."""
        encoded = {name: name.encode("utf-8", "surrogateescape") for name in names}
        if not encoded:
            return {}
        answer = self.git("cat-file", "--batch", "-z", put=b"".join(name + b"\0" for name in encoded.values())).out
        found, at = dict[str, bytes](), 0
        for name, raw in encoded.items():
            missing = raw + b" missing\n"
            if answer.startswith(missing, at):
                at += len(missing)
                continue
            end = answer.index(b"\n", at)
            _, found_kind, *size = answer[at:end].split(b" ")
            start = at = end + 1
            if size:  # newer versions of git print none for a submodule
                at += int(size[0]) + 1
            if found_kind == kind.encode():
                found[name] = answer[start : at - 1]
        return found

    def read_loose(self, name: str) -> bytes | None:
        """Read an object that is still a single file, without a process; ``None`` for any other."""
        if self._objects is None or not _IS_ID.fullmatch(name):
            return None
        try:
            return bytes(self._objects.stream(bytes.fromhex(name)).read())
        except (BadObject, OSError, zlib.error):  # the caller reads it with git, which says what is wrong
            return None

    def write_commit(self, content: bytes) -> str:
        """Store a commit object, without a process if gitdb can; return its full hex id."""
        if self._objects is None:
            return self.git("hash-object", "-t", "commit", "-w", "--stdin", put=content).text
        stored = self._objects.store(IStream(b"commit", len(content), BytesIO(content)))
        return str(stored.hexsha.decode())

    def keep(self, name: str, commit: str) -> None:
        """Put the ref ``refs/integrand/<name>`` on one of our commits, so that git keeps it and others can fetch it."""
        with suppress(OSError):  # a ref that git packed, or a new one
            if (self.git_dir / "refs" / "integrand" / name).read_text(encoding="ascii").strip() == commit:
                return
        self.git("update-ref", f"refs/integrand/{name}", commit)


def _loose_objects(git_dir: Path) -> LooseObjectDB:
    """Open the loose objects with gitdb (of GitPython), which does not support SHA-256.

    GitPython's `GitCmdObjectDB` would not do: for each commit it starts git with the user's whole environment, which
    refuses a folder of another user.
    """
    return LooseObjectDB(str(git_dir / "objects"))


def _make(path: Path, object_format: ObjectFormat) -> None:
    # Without a template, which could bring a user's hooks into our mirror.
    arguments = (
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--initial-branch=main",
        f"--object-format={object_format}",
    )
    reply = call_git(*arguments, "--", str(path), git_dir=None)
    if reply.status:
        raise SourceError(f"git cannot make a repository at {path}: {reply.last_words}. Use another --state folder.")


def _forget_former_attributes(git_dir: Path) -> None:
    attributes = git_dir / "info" / "attributes"
    if attributes.is_file() and attributes.read_bytes() == _FORMER_ATTRIBUTES.encode():
        attributes.unlink()
