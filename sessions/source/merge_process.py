"""One `git merge-tree` with one work tree: asked in a long-lived process where git can be, else in one a merge.

See https://git-scm.com/docs/git-merge-tree. ``--stdin`` came with git 2.39. Before 2.49 git kept its answers in a
buffer until its input ended, so that waiting for one never ended either: there, ``stdbuf`` of GNU coreutils takes
the buffer away.
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
    """What git made of two commits: a tree, and where it is not ``clean`` the rest of its answer, field by field."""

    clean: bool
    tree: str
    rest: list[str]


@dataclass
class MergeProcess:
    """Merges pairs of commits with the attributes that lie in ``folder``, which git takes for its work tree."""

    repository: Repository
    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits, by full hex id, in memory.

        Raises :class:`SourceError` where git could not, or complained: it has been seen to answer "clean" after it
        had missed an object.
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
        """The files whose contents both sides changed, so that git merged them; with or without a conflict."""
        reply = self._git(*_MERGE_TREE, "--messages", ours, theirs)
        fields = reply.fields()
        messages = split_messages(fields[fields.index("", 1) + 1 :])
        return sorted({path for paths, kind in messages if kind == "Auto-merging" for path in paths})

    def conflicts(self, ours: str, theirs: str) -> list[str]:
        """Merge two commits that conflict, and return git's answer field by field; the markers show the base, too."""
        style = configured(core__hooksPath=os.devnull, merge__conflictStyle="zdiff3")
        return self._git(*_MERGE_TREE, "--messages", ours, theirs, env=style).fields()

    def merge_attributes(self, paths: list[str]) -> dict[str, str]:
        """The ``merge`` attribute of files, as gitattributes(5) lists its states and values."""
        put = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        fields = self._git("check-attr", "-z", "--stdin", "merge", put=put).fields()
        return dict(zip(fields[::3], fields[2::3], strict=True))

    def close(self) -> None:
        """End the process, if there is one; the next merge starts another."""
        if self._process is not None:
            end_process(self._process)
            self._process = None

    def _merge_once(self, ours: str, theirs: str) -> Merge:
        reply = self._git(*_MERGE_TREE, "--no-messages", ours, theirs)
        if reply.status:
            reply = self._git(*_MERGE_TREE, "--messages", ours, theirs)
        tree, *rest = reply.fields()
        return Merge(clean=not reply.status, tree=tree, rest=rest)

    def _git(self, *words: str, put: bytes = b"", env: Mapping[str, str] | None = None) -> GitReply:
        environment = {**self._work_tree, **(env or {})}
        return self.repository.git(*words, put=put, ok=(0, 1), cwd=self.folder, env=environment)

    def _start(self, before: list[str]) -> subprocess.Popen[bytes]:
        words = (*_MERGE_TREE, "--stdin")
        git_dir = self.repository.git_dir
        process = start_git(*words, git_dir=git_dir, before=before, cwd=self.folder, env=self._work_tree)
        weakref.finalize(self, end_process, process)  # nobody has to remember to close
        assert process.stderr is not None  # noqa: S101  it was asked for
        os.set_blocking(process.stderr.fileno(), False)
        return process

    @property
    def _work_tree(self) -> dict[str, str]:
        return {"GIT_WORK_TREE": str(self.folder)}


def split_messages(fields: list[str]) -> Iterator[tuple[list[str], str]]:
    """The messages of a `merge-tree -z` answer: the paths that each is about, and its type.

    The type of a message is stable between versions of git, its text is not and is left out.
    """
    at = 0
    while at < len(fields) and fields[at].isdecimal():
        count = int(fields[at])
        yield fields[at + 1 : at + 1 + count], fields[at + count + 1]
        at += count + 3


@functools.cache
def words_before_git() -> list[str] | None:
    """What must stand before `git merge-tree --stdin` for it to answer at once; ``None`` where nothing helps."""
    version = git_version()
    if version >= (2, 49):
        return []
    return ["stdbuf", "-o0"] if version >= (2, 39) and shutil.which("stdbuf") else None


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
    """All up to the empty field that ends an answer; a message's text may be empty, its number of paths is not.

    Where submodules conflict, git puts advice for people into that last field.
    """
    while (count := next(fields)).isdecimal():
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
    words = GitReply(0, b"", (process.stderr.read() or b"").decode("utf-8", "replace"))
    return words.last_words if words.complains else ""
