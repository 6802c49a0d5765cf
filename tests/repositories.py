"""Real git repositories to test on, made object by object: nothing in them depends on machine, user or clock."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions.source.merging import Candidate, Merger
from sessions.source.mirror import Mirror
from sessions.tickets.dependencies import read_dependencies
from sessions.tickets.model import Ticket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sessions.source.releases import Release

# A text or its bytes, `None` to delete, or git's mode and the content (of a submodule: its commit).
Content = str | bytes | tuple[str, str] | None

EXECUTABLE, LINK, SUBMODULE = "100755", "120000", "160000"
DATE = dt.date(2026, 11, 23)
COMMITTER = "Integrand <integrand@localhost>"


def run_git(*words: str, cwd: Path, put: bytes = b"", ok: tuple[int, ...] = (0,), **env: str) -> str:
    """Run plain git as nobody in particular, and return what it says."""
    who = {f"GIT_{role}_{key}": "t@t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    clean |= who | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | env
    done = subprocess.run(["git", *words], cwd=cwd, env=clean, input=put, capture_output=True, check=False)
    assert done.returncode in ok, f"git {' '.join(words)}: {done.stderr.decode()}"
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def work_tree(repository: Path, commit: str, folder: Path, **config: str) -> Path:
    """What plain git makes of a commit: `git worktree add`, with some configuration; without its `.git`."""
    words = [word for key, value in config.items() for word in ("-c", f"{key.replace('__', '.')}={value}")]
    run_git(*words, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit, cwd=repository)
    (folder / ".git").unlink()
    run_git("worktree", "prune", cwd=repository)
    return folder


class Builder:
    """A bare repository and the means to grow it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = 0
        self.tips: dict[str, str] = {}
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")

    @classmethod
    def of(cls, path: Path) -> Builder:
        """The bare repository that is there already."""
        builder = cls.__new__(cls)
        builder.path, builder.made, builder.tips = path, 0, {}
        return builder

    def copy(self, path: Path) -> Builder:
        """Another repository with the same content."""
        other = copy.copy(self)
        other.path, other.tips = path, dict(self.tips)
        shutil.copytree(self.path, path)
        return other

    @property
    def url(self) -> str:
        return str(self.path)

    def git(self, *words: str, put: bytes = b"", ok: tuple[int, ...] = (0,)) -> str:
        return run_git(*words, cwd=self.path, put=put, ok=ok)

    def commit(
        self, files: Mapping[str, Content], *parents: str, branch: str = "main", message: str = "", day: int = 0
    ) -> str:
        """Commit the changes ``files`` to the first parent's tree, and put ``branch`` there; the commit's id.

        Without parents the commit continues the branch, or begins a history where there is no such branch.
        """
        if not parents and branch in self.tips:
            parents = (self.tips[branch],)
        stream = self._stream(files, *parents, branch=branch, message=message, day=day)
        self.tips[branch] = self._import(stream + b"\nget-mark :1\n")
        return self.tips[branch]

    def branch_off(self, parent: str, branches: Mapping[str, Mapping[str, Content]]) -> None:
        """Begin branches at ``parent`` with one commit each, all in one call of git."""
        streams = [self._stream(files, parent, branch=branch) for branch, files in branches.items()]
        names = [b"\nget-mark :1\n"] * len(streams)
        ids = self._import(b"".join(word for pair in zip(streams, names, strict=True) for word in pair)).split("\n")
        self.tips |= dict(zip(branches, ids, strict=True))

    def _import(self, stream: bytes) -> str:
        return self.git("fast-import", "--quiet", "--force", put=b"feature done\n" + stream + b"done\n")

    def _stream(
        self, files: Mapping[str, Content], *parents: str, branch: str, message: str = "", day: int = 0
    ) -> bytes:
        """What makes one commit, as git's fast-import reads it."""
        ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
        self.made += 1
        moment = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()) + 86400 * day + 60 * self.made
        head = [b"reset " + os.fsencode(ref), b"", b"commit " + os.fsencode(ref), b"mark :1"]
        head += [b"author A <a@example.org> %d +0000" % moment, b"committer C <c@example.org> %d +0000" % moment]
        stream = b"\n".join(head) + b"\n" + data((message or f"{branch} {self.made}").encode())
        for word, parent in zip(("from", *["merge"] * len(parents)), parents, strict=False):
            stream += f"{word} {parent}^0\n".encode()
        for path, content in files.items():
            stream += change(path, content)
        return stream

    def tag(self, name: str, rev: str = "main", *, day: int = 0, annotated: bool = True) -> None:
        """Tag ``rev``, as of some day."""
        when = f"{int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()) + 86400 * day} +0000"
        words = ("-a", "-m", name) if annotated else ()
        run_git("tag", "-f", *words, name, rev, cwd=self.path, GIT_COMMITTER_DATE=when)


def data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def change(path: str, content: Content) -> bytes:
    name = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    if content is None:
        return b'D "' + name + b'"\n'
    mode, text = content if isinstance(content, tuple) else ("100644", content)
    if mode == SUBMODULE:
        assert isinstance(text, str)
        return f"M {mode} {text} ".encode() + b'"' + name + b'"\n'
    raw = text.encode() if isinstance(text, str) else text
    return f"M {mode} inline ".encode() + b'"' + name + b'"\n' + data(raw)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A repository as the code under test sees it: its mirror, the release, and what merges onto that."""

    builder: Builder
    mirror: Mirror
    release: Release
    merger: Merger

    @classmethod
    def of(cls, builder: Builder, state: Path, *, wanted: str = "latest") -> Scene:
        mirror = Mirror.of(builder.url, state)
        release = mirror.release(wanted)
        merger = Merger(mirror.repository, release, DATE, COMMITTER)
        return cls(builder=builder, mirror=mirror, release=release, merger=merger)

    def tickets(self, **branches: int) -> dict[int, Ticket]:
        """Fetch branches and give each its ticket: ``tickets(fix=7)``."""
        tips = self.mirror.fetch_branches({number: branch for branch, number in branches.items()}).tips
        return {n: ticket(n, branch=branch, commit=tips[n]) for branch, n in branches.items()}

    def files(self, candidate: Candidate) -> dict[str, str]:
        """All that a candidate holds, as plain git tells it."""
        rows = run_git("ls-tree", "-r", "-z", candidate.commit, cwd=self.mirror.repository.path).split("\0")[:-1]
        blobs = {row.split("\t", 1)[1]: row.split()[2] for row in rows}
        return {path: run_git("cat-file", "-p", blob, cwd=self.mirror.repository.path) for path, blob in blobs.items()}


def ticket(
    number: int,
    *labels: str,
    branch: str = "",
    commit: str = "",
    depends: str = "",
    milestone: str = "",
    title: str = "",
) -> Ticket:
    """A ticket with a title of its own."""
    return Ticket(
        number=number,
        title=title or f"Ticket {number}",
        labels=labels,
        branch=branch,
        commit=commit,
        depends=read_dependencies(depends, number=number).hard,
        milestone=milestone,
    )


def ticket_table(number: int, title: str = "", **words: object) -> str:
    """One ticket on branch ``t7`` as the file tracker reads it."""
    keys = {"number": number, "title": title or f"T{number}", "branch": f"t{number}", **words}
    return "\n".join(["[[ticket]]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())])


def lines(*changes: tuple[int, str], count: int = 30) -> str:
    """A text of numbered lines, some of them (from 1) changed."""
    texts = {number: f"line {number}" for number in range(1, count + 1)} | dict(changes)
    return "".join(f"{texts[number]}\n" for number in sorted(texts))
