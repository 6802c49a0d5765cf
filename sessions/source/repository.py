"""A bare repository, driven through git's plumbing."""

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
# What this program wrote into mirrors up to 1.0, to have files without any conversion.
_FORMER_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"


@dataclass(frozen=True)
class Repository:
    """One repository on this disk.

    ``git_dir`` is where git keeps its files: of a bare repository, ``path`` itself. ``origin`` is the address that its
    objects come from, empty where there is none: Git LFS fetches contents from there.
    """

    path: Path
    git_dir: Path
    object_format: ObjectFormat
    origin: str
    _objects: LooseObjectDB | None = field(repr=False, compare=False)

    @classmethod
    def open(cls, path: Path, object_format: ObjectFormat = "sha1", origin: str = "") -> Repository:
        """The repository at ``path``, made there with ``object_format`` if there is none yet.

        Raises :class:`SourceError` where something else is there, or git is missing or too old.
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
        """Run one git command, ``put`` on its standard input.

        ``online`` commands (fetch, push) see what lets the user in at a remote; all others see nothing of the user.

        Raises :class:`SourceError` for a status not in ``ok``, and for every answer, of whatever status, in
        which git complained, unless it ``may_complain``: before git 2.45 a missing object can pass with status 0.
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
        """Note that git complained of what is here, so that the next call checks this copy: see ``healing.py``."""
        if self.origin and is_of_this_disk(complaint):
            with suppress(OSError):
                complaint_file(self.path).write_text(complaint[:2000], encoding="utf-8", errors="replace")

    def lost(self, what: str) -> SourceError:
        """Return the error for something that should be here, and have the next call look for damage."""
        self.suspect(f"missing: {what}")
        return SourceError(f"{self.path} lacks {what}: run again, and it is fetched anew; the folder is only a copy.")

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs, in one process, by the names that were asked for: ``<id>`` or ``<tree>:<path>``.

        What is not there, or is no blob, is left out.
        """
        return self.read_objects(names, "blob")

    def read_objects(self, names: Iterable[str], kind: Literal["blob", "tree"]) -> dict[str, bytes]:
        """The contents of objects of one ``kind``, trees in git's own binary form, as :meth:`read` reads blobs."""
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
            if size:  # newer gits name a submodule without one
                at += int(size[0]) + 1
            if found_kind == kind.encode():
                found[name] = answer[start : at - 1]
        return found

    def read_loose(self, name: str) -> bytes | None:
        """The content of an object that git has just written, without a process; ``None`` for any other."""
        if self._objects is None or not _IS_ID.fullmatch(name):
            return None
        try:
            return bytes(self._objects.stream(bytes.fromhex(name)).read())
        except (BadObject, OSError, zlib.error):  # of one that is broken, git itself says what is wrong
            return None

    def write_commit(self, content: bytes) -> str:
        """Store a commit object, where gitdb can without a process of its own; its full hex id."""
        if self._objects is None:
            return self.git("hash-object", "-t", "commit", "-w", "--stdin", put=content).text
        stored = self._objects.store(IStream(b"commit", len(content), BytesIO(content)))
        return str(stored.hexsha.decode())

    def keep(self, name: str, commit: str) -> None:
        """Name one of our commits ``refs/integrand/<name>``, so that git keeps it and others can fetch it from here."""
        self.git("update-ref", f"refs/integrand/{name}", commit)


def _loose_objects(git_dir: Path) -> LooseObjectDB:
    """The objects that are single files, which gitdb (of GitPython) reads and writes; it knows no SHA-256.

    Not GitPython's own `GitCmdObjectDB`: for each commit it starts git, with the user's whole environment, and that
    refuses a folder of another user.
    """
    return LooseObjectDB(str(git_dir / "objects"))


def _make(path: Path, object_format: ObjectFormat) -> None:
    # Without a template: a user's hooks have no business in our mirror.
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
        raise SourceError(f"git cannot make a repository at {path}: {reply.last_words}. Take another --state folder.")


def _forget_former_attributes(git_dir: Path) -> None:
    attributes = git_dir / "info" / "attributes"
    if attributes.is_file() and attributes.read_bytes() == _FORMER_ATTRIBUTES.encode():
        attributes.unlink()
