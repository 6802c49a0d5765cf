"""A bare repository, driven through git's plumbing by GitPython."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import git
from gitdb import IStream, LooseObjectDB

from sessions.errors import SourceError

# What `git rev-parse --local-env-vars` lists: a hook or an alias that calls us must not lend us its repository.
_FOREIGN = (
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_NAMESPACE"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_REPLACE_REF_BASE", "GIT_PREFIX"),
    *("GIT_SHALLOW_FILE", "GIT_COMMON_DIR"),
)

# The user's own settings (rename limits, merge drivers, replace refs) must not change what a merge gives.
REPRODUCIBLE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
}


@dataclass(frozen=True)
class Reply:
    """What one git command answered."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output without its last line break; bytes that are not UTF-8 survive as surrogates."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")

    def lines(self) -> list[str]:
        """The lines of the output: ref names may hold what `str.splitlines` takes for a line's end, as U+2028."""
        return self.text.split("\n") if self.text else []

    @property
    def complains(self) -> bool:
        """Whether standard error holds more than warnings and hints."""
        return any(line and not line.startswith(("warning:", "hint:")) for line in self.err.splitlines())

    @property
    def last_words(self) -> str:
        """The last line of standard error."""
        return _last_line(self.err)

    def fields(self) -> list[str]:
        """The NUL-separated fields of the output."""
        return self.out.decode("utf-8", "surrogateescape").split("\0")[:-1]


@dataclass(frozen=True)
class Repository:
    """One bare repository on this disk."""

    path: Path
    _objects: LooseObjectDB = field(repr=False, compare=False)

    @classmethod
    def open(cls, path: Path) -> Repository:
        """The repository at ``path``, made where there is none yet."""
        for name in _FOREIGN:
            os.environ.pop(name, None)
        if (version := git.Git().version_info)[:2] < (2, 38):
            raise SourceError(
                f"git {'.'.join(map(str, version))} is too old to merge in memory: install 2.38 or newer."
            )
        try:
            repo = git.Repo(path) if path.exists() else _make(path)
            repo.close()
        except (git.InvalidGitRepositoryError, git.GitCommandError) as error:
            raise SourceError(
                f"{path} is no git repository: delete it and run again; it is only a copy. ({_last_line(str(error))})"
            ) from None
        return cls(path, LooseObjectDB(str(Path(repo.common_dir) / "objects")))

    def git(
        self,
        *words: str,
        put: bytes = b"",
        ok: tuple[int, ...] = (0,),
        online: bool = False,
        may_complain: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Reply:
        """Run one git command, ``put`` on its standard input.

        ``online`` commands (fetch, push) see the user's configuration, for credentials and proxies; all others
        see none, so that the same objects give the same answer on any machine.

        Raises :class:`SourceError` for a status not in ``ok``, and for every answer, of whatever status, in
        which git complained, unless it ``may_complain``: before git 2.45 a missing object can pass with status 0.
        """
        environment = ({"GIT_TERMINAL_PROMPT": "0"} if online else REPRODUCIBLE) | dict(env or {})
        with tempfile.TemporaryFile() as stream:
            stream.write(put)
            stream.seek(0)
            status, out, err = git.Git(self.path).execute(
                ["git", *words],
                istream=stream,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=environment,
            )
        reply = Reply(status, bytes(out), err)
        if reply.status not in ok or (reply.complains and not online and not may_complain):
            raise SourceError(f"git {words[0]} failed in {self.path}: {reply.last_words or f'status {status}'}")
        return reply

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs, in one process, by the names that were asked for: ``<id>`` or ``<tree>:<path>``.

        What is not there, or is no blob, is left out.
        """
        asked = {name: name.encode("utf-8", "surrogateescape") for name in names}
        if not asked:
            return {}
        answer = self.git("cat-file", "--batch", "-z", put=b"".join(name + b"\0" for name in asked.values())).out
        found, at = dict[str, bytes](), 0
        for name, raw in asked.items():
            missing = raw + b" missing\n"
            if answer.startswith(missing, at):
                at += len(missing)
                continue
            end = answer.index(b"\n", at)
            _, kind, *size = answer[at:end].split(b" ")
            start = at = end + 1
            if size:  # newer gits name a submodule without one
                at += int(size[0]) + 1
            if kind == b"blob":
                found[name] = answer[start : at - 1]
        return found

    def write_commit(self, content: bytes) -> str:
        """Store a commit object, without a process of its own; its full hex id."""
        stored = self._objects.store(IStream(b"commit", len(content), BytesIO(content)))
        return str(stored.hexsha.decode())


def _make(path: Path) -> git.Repo:
    # Without a template: a user's hooks have no business in our mirror. GitPython calls the option unsafe, as a
    # template could bring hooks in; an empty one keeps them out.
    repo = git.Repo.init(path, bare=True, template="", allow_unsafe_options=True)
    # Files leave it as git holds them: a project's own attributes would have line ends and `$Id$` rewritten.
    (path / "info").mkdir(exist_ok=True)
    (path / "info" / "attributes").write_text("* -text -ident -filter -working-tree-encoding\n", encoding="ascii")
    return repo


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith("hint:")]
    return lines[-1].strip() if lines else ""
