"""Run `git merge-tree` for one set of attributes: one long-lived process for all merges, or one process each.

See https://git-scm.com/docs/git-merge-tree. The long-lived process needs ``--stdin``, since git 2.39. Before 2.49, git
buffered its answers until its input ended, so that a caller waited for ever; there, ``stdbuf`` of GNU coreutils turns
the buffer off.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sessions.source.command import GitReply, configured, end_process, git_version, start_git
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError

_MERGE_TREE = ("merge-tree", "--write-tree", "-z")


@dataclass(frozen=True)
class Merge:
    """The result of a merge: the tree, and, unless it is ``clean``, the other fields of git's answer."""

    clean: bool
    tree: str
    rest: list[str]


@dataclass
class MergeProcess:
    """Merges pairs of commits with the attribute files in ``folder``, which git uses as its work tree."""

    repository: Repository
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _showing_base: MergeProcess | None = field(default=None, init=False)

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits, by full hex id, in memory.

        Raises :class:`SourceError` if git fails or prints an error: git can answer "clean" although an object is
        missing.
        """
        before = words_before_git()
        if before is None:
            return self._merge_once(ours, theirs)
        if self._process is None:
            self._process = self._start(before)
        try:
            merge = _ask(self._process, f"{ours} {theirs}\n")
            if not (complaint := _complaint(self._process)):
                return merge
        except (EOFError, OSError):
            self._process.wait()
            complaint = _complaint(self._process) or "it ended"
        self.close()
        self.repository.suspect(complaint)
        raise SourceError(f"git merge-tree failed in {self.repository.path}: {complaint}")

    def auto_merged(self, ours: str, theirs: str) -> list[str]:
        """Return the files that both sides changed, so that git merged their contents, with or without a conflict."""
        reply = self._git(*_MERGE_TREE, "--messages", ours, theirs)
        fields = reply.fields()
        messages = split_messages(fields[fields.index("", 1) + 1 :])
        return sorted({path for paths, kind in messages if kind == "Auto-merging" for path in paths})

    def conflicts(self, ours: str, theirs: str) -> list[str]:
        """Merge two commits that conflict, and return git's answer field by field; the markers show the base, too."""
        if self._showing_base is None:
            style = configured(core__hooksPath=os.devnull, merge__conflictStyle="zdiff3")
            self._showing_base = MergeProcess(self.repository, self.folder, style)
        merge = self._showing_base.merge(ours, theirs)
        return [merge.tree, *merge.rest]

    def merge_attributes(self, paths: list[str]) -> dict[str, str]:
        """Return the ``merge`` attribute of each file: a state or value of gitattributes(5)."""
        put = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        fields = self._git("check-attr", "-z", "--stdin", "merge", put=put).fields()
        return dict(zip(fields[::3], fields[2::3], strict=True))

    def close(self) -> None:
        """End the process, if one runs. The next merge starts another."""
        if self._showing_base is not None:
            self._showing_base.close()
        if self._process is not None:
            end_process(self._process)
            self._process = None

    def _merge_once(self, ours: str, theirs: str) -> Merge:
        reply = self._git(*_MERGE_TREE, "--no-messages", ours, theirs)
        if reply.status:
            reply = self._git(*_MERGE_TREE, "--messages", ours, theirs)
        tree, *rest = reply.fields()
        return Merge(clean=not reply.status, tree=tree, rest=rest)

    def _git(self, *arguments: str, put: bytes = b"") -> GitReply:
        return self.repository.git(*arguments, put=put, ok=(0, 1), cwd=self.folder, env=self._environment)

    def _start(self, before: list[str]) -> subprocess.Popen[bytes]:
        arguments = (*_MERGE_TREE, "--stdin")
        git_dir = self.repository.git_dir
        process = start_git(*arguments, git_dir=git_dir, before=before, cwd=self.folder, env=self._environment)
        weakref.finalize(self, end_process, process)  # also if close() is never called
        assert process.stderr is not None  # noqa: S101  requested as a pipe
        os.set_blocking(process.stderr.fileno(), False)
        return process

    @property
    def _environment(self) -> dict[str, str]:
        return {"GIT_WORK_TREE": str(self.folder), **self.env}


def split_messages(fields: list[str]) -> Iterator[tuple[list[str], str]]:
    """Yield the paths and the type of each message in a `merge-tree -z` answer.

    The texts are left out: unlike the types, they differ between versions of git.
    """
    at = 0
    while at < len(fields) and fields[at].isdecimal():
        count = int(fields[at])
        yield fields[at + 1 : at + 1 + count], fields[at + count + 1]
        at += count + 3


@functools.cache
def words_before_git() -> list[str] | None:
    """Return the prefix with which `git merge-tree --stdin` answers at once; ``None`` if there is no way."""
    version = git_version()
    if version >= (2, 49):
        return []
    return ["stdbuf", "-o0"] if version >= (2, 39) and shutil.which("stdbuf") else None


def _ask(process: subprocess.Popen[bytes], question: str) -> Merge:
    assert process.stdin is not None  # noqa: S101  requested as a pipe
    assert process.stdout is not None  # noqa: S101  also a pipe
    process.stdin.write(question.encode())
    process.stdin.flush()
    fields = _fields(process.stdout.fileno())
    # In this mode 1 means clean and 0 a conflict, unlike git's exit status.
    clean, tree = next(fields) == "1", next(fields)
    stages = list(iter(fields.__next__, ""))
    return Merge(clean=clean, tree=tree, rest=[] if clean else [*stages, "", *_messages(fields)])


def _messages(fields: Iterator[str]) -> Iterator[str]:
    """Yield the fields up to the empty one that ends an answer. A message's text may be empty, its path count is not.

    If submodules conflict, git puts advice for people into the last field.
    """
    while (count := next(fields)).isdecimal():
        yield count
        for _ in range(int(count) + 2):
            yield next(fields)


def _fields(source: int) -> Iterator[str]:
    """Yield the NUL-terminated fields from a file descriptor. Raises EOFError at its end."""
    rest = b""
    while True:
        while b"\0" not in rest:
            more = os.read(source, 65536)
            if not more:
                raise EOFError
            rest += more
        field, rest = rest.split(b"\0", 1)
        yield field.decode("utf-8", "surrogateescape")


def _complaint(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None  # noqa: S101  requested as a pipe
    printed = GitReply(0, b"", (process.stderr.read() or b"").decode("utf-8", "replace"))
    return printed.last_words if printed.complains else ""
