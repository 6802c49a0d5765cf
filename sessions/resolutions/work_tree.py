"""A work tree in which somebody resolves a conflict, with git's own markers; it borrows the mirror's objects."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sessions.source.command import GitReply, call_git
from sessions.source.repository import Repository
from sessions.source.unmerged import FileEntry
from sessions.terminal.errors import SourceError, UsageError
from sessions.terminal.ticket_numbers import file_name, name_ticket, shell_word

_MERGED = "merged-so-far"
_IDENTITY = ("-c", "user.name=integrand", "-c", "user.email=integrand@localhost")


@dataclass(frozen=True, kw_only=True)
class WorkTree:
    """The work tree for one ticket, in ``folder``."""

    repository: Repository
    folder: Path
    ticket: int

    @property
    def branch(self) -> str:
        """The branch that stands for the ticket there: git's markers name it."""
        return f"ticket-{file_name(self.ticket)}"

    def open(self, onto: str, commit: str, known: Mapping[str, FileEntry | None]) -> tuple[str, ...]:
        """Merge ``commit`` into ``onto``, write the files that are ``known``, and return those that are in conflict.

        Raises :class:`UsageError` if there is such a work tree already, :class:`SourceError` if git cannot make it.
        """
        if self.folder.exists():
            raise UsageError(
                f"{name_ticket(self.ticket)} is open in {self.folder}: finish it with --continue, or type --abort."
            )
        self._make()
        for name, at in ((_MERGED, onto), (self.branch, commit)):
            self._git("update-ref", f"refs/heads/{name}", at)
        self._git("symbolic-ref", "HEAD", f"refs/heads/{_MERGED}")
        self._git("reset", "--quiet", "--hard")
        style = ("-c", "merge.conflictStyle=zdiff3")
        self._git(*_IDENTITY, *style, "merge", "--quiet", "--no-commit", "--no-ff", self.branch, ok=(0, 1))
        for path, entry in known.items():
            self._write(path, entry)
        return tuple(dict.fromkeys(self._git("diff", "--name-only", "--diff-filter=U", "-z").fields()))

    def finish(self) -> str:
        """Write the work tree into the mirror, and return its tree.

        Raises :class:`UsageError` if it does not exist, or if a file still has a conflict marker.
        """
        if not self.folder.is_dir():
            raise UsageError(
                f"{name_ticket(self.ticket)} is not open: type `nox -s resolve -- {shell_word(self.ticket)}` first."
            )
        for path in self._git("diff", "--name-only", "--diff-filter=U", "-z").fields():
            self._check(path)
        place = {"GIT_WORK_TREE": str(self.folder), "GIT_INDEX_FILE": str(self.folder / ".git" / "index")}
        self.repository.git("add", "--all", ".", env=place, cwd=self.folder, may_complain=True)
        return self.repository.git("write-tree", env=place, cwd=self.folder).text

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check(self, path: str) -> None:
        marker = re.compile(rb"^(<{7,} HEAD|>{7,} %b)\b" % self.branch.encode(), re.MULTILINE)
        file = self.folder / path
        if file.is_file() and marker.search(file.read_bytes()):
            raise UsageError(f"{file} still has conflict markers: resolve them, then type the same command.")

    def _write(self, path: str, entry: FileEntry | None) -> None:
        if entry is None:
            self._git("rm", "--quiet", "--force", "--ignore-unmatch", "--", path)
            return
        self._git("update-index", "--add", "--cacheinfo", f"{entry.mode},{entry.id},{path}")
        self._git("checkout-index", "--force", "--", path)

    def _make(self) -> None:
        self.folder.mkdir(parents=True)
        form = f"--object-format={self.repository.object_format}"
        git_dir = self.folder / ".git"
        reply = call_git("init", "--quiet", "--bare", "--template=", form, "--", str(git_dir), git_dir=None)
        if reply.status:
            raise SourceError(f"git cannot make a work tree in {self.folder}: {reply.last_words}")
        self._git("config", "core.bare", "false")
        alternates = git_dir / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{self.repository.git_dir.resolve() / 'objects'}\n", encoding="utf-8")
        shallow = self.repository.git_dir / "shallow"
        if shallow.is_file():
            shutil.copyfile(shallow, git_dir / "shallow")

    def _git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> GitReply:
        environment = {"GIT_WORK_TREE": str(self.folder)}
        reply = call_git(*arguments, git_dir=self.folder / ".git", cwd=self.folder, env=environment)
        if reply.status not in ok:
            raise SourceError(f"git {arguments[0]} failed in {self.folder}: {reply.last_words}")
        return reply
