"""`git merge-tree`, in one long-lived process where git can, and in one process a merge elsewhere.

See https://git-scm.com/docs/git-merge-tree. ``--stdin`` came with git 2.39. Before 2.49 git kept its answers in a
buffer until its input ended, so that waiting for one never ended either: there, ``stdbuf`` of GNU coreutils takes
the buffer away.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import git

from sessions.errors import SourceError
from sessions.source.repository import REPRODUCIBLE, Reply, Repository


@dataclass(frozen=True)
class Merge:
    """What git made of two commits: a tree, and where it is not ``clean`` the rest of its answer, field by field."""

    clean: bool
    tree: str
    rest: list[str]


@dataclass
class MergeTree:
    """Merges pairs of commits of one repository."""

    repository: Repository
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits, by full hex id, in memory.

        Raises :class:`SourceError` where git could not, or complained: it has been seen to answer "clean" after it
        had missed an object.
        """
        command = _standing_command()
        if not command:
            return self._alone(ours, theirs)
        if self._process is None:
            self._process = self._start(command)
        try:
            merge = _ask(self._process, f"{ours} {theirs}\n")
            if not (complaint := _complaint(self._process)):
                return merge
        except (EOFError, OSError):
            self._process.wait()
            complaint = _complaint(self._process) or "it ended"
        self.close()
        raise SourceError(f"git merge-tree failed in {self.repository.path}: {complaint}")

    def close(self) -> None:
        """End the process, if there is one; the next merge starts another."""
        if self._process is not None:
            _end(self._process)
            self._process = None

    def _alone(self, ours: str, theirs: str) -> Merge:
        reply = self.repository.git("merge-tree", "--write-tree", "-z", "--no-messages", ours, theirs, ok=(0, 1))
        if reply.status:
            reply = self.repository.git("merge-tree", "--write-tree", "-z", "--messages", ours, theirs, ok=(0, 1))
        tree, *rest = reply.fields()
        return Merge(clean=not reply.status, tree=tree, rest=rest)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        words = [*command, "--git-dir", str(self.repository.path), "merge-tree", "--write-tree", "-z", "--stdin"]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **REPRODUCIBLE},
        )
        assert process.stderr is not None  # noqa: S101  it was asked for
        os.set_blocking(process.stderr.fileno(), False)
        weakref.finalize(self, _end, process)  # nobody has to remember to close
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):  # of what was still to be written
                stream.close()


@functools.cache
def _standing_command() -> list[str]:
    version = git.Git().version_info[:2]
    if version >= (2, 49):
        return ["git"]
    return ["stdbuf", "-o0", "git"] if version >= (2, 39) and shutil.which("stdbuf") else []


def _ask(process: subprocess.Popen[bytes], question: str) -> Merge:
    assert process.stdin is not None  # noqa: S101  it was asked for
    assert process.stdout is not None  # noqa: S101  likewise
    process.stdin.write(question.encode())
    process.stdin.flush()
    fields = _fields(process.stdout.fileno())
    # In this mode 1 is clean and 0 a conflict, the other way round than git's exit status.
    clean, tree = next(fields) == "1", next(fields)
    stages = list(iter(fields.__next__, ""))
    return Merge(clean=clean, tree=tree, rest=[] if clean else [*stages, "", *_messages(fields)])


def _messages(fields: Iterator[str]) -> Iterator[str]:
    """All up to the empty field that ends an answer; a message's text may be empty, its number of paths is not."""
    while count := next(fields):
        yield count
        for _ in range(int(count) + 2):
            yield next(fields)


def _fields(source: int) -> Iterator[str]:
    """The NUL-ended fields that come from a file descriptor. Raises EOFError where it ends."""
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
    assert process.stderr is not None  # noqa: S101  it was asked for
    words = Reply(0, b"", (process.stderr.read() or b"").decode("utf-8", "replace"))
    return words.last_words if words.complains else ""
