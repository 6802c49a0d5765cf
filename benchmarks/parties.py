"""Three ways to merge a ticket, each in a clone of its own."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.history import WHO, Step, carry
from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.source.releases import Release
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket


class Party(Protocol):
    """Whoever merges tickets: ``merge`` is what is timed."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def tree(self) -> str:
        """The tree that it came to."""

    def merge(self, step: Step) -> bool:
        """Merge the ticket of a step; whether that was clean."""

    def carry(self, step: Step) -> None:
        """Take over a step that merges no ticket."""


@dataclass
class Integrand:
    """Our own merger, as `nox -s integrate` calls it."""

    repository: Repository
    release: Release
    name: str = "Integrand"
    _merger: Merger = field(init=False)
    _head: Candidate = field(init=False)

    def __post_init__(self) -> None:
        self._merger = Merger(self.repository, self.release, dt.date(2022, 1, 30), WHO)
        self._head = self._merger.base

    @property
    def tree(self) -> str:
        """The tree of the candidate."""
        return self._head.tree

    def merge(self, step: Step) -> bool:
        """Merge in memory."""
        title, _, description = step.message.partition("\n")
        ticket = Ticket(number=step.number or 0, title=title, commit=step.ticket, description=description)
        match self._merger.merge(self._head, ticket):
            case Clash():
                return False
            case Candidate() as head:
                self._head = head
                return True

    def carry(self, step: Step) -> None:
        """Another candidate, with the same tickets."""
        commit, tree = carry(self.repository, self._head.commit, step)
        self._head = Candidate(tickets=self._head.tickets, commit=commit, tree=tree)


@dataclass
class Releasemgr:
    """The git commands of `git releasemgr merge`, in a work tree at the release.

    See `ReleaseApplication.merge` in sagemath/git-trac-command; its fetch and its talk with Trac are left out,
    and so are the lookups in the log before each merge.
    """

    repository: Repository
    release: Release
    name: str = "git releasemgr"

    def __post_init__(self) -> None:
        run(self._work, "checkout", "--quiet", "--detach", self.release.commit)

    @property
    def _work(self) -> Path:
        return self.repository.path

    @property
    def tree(self) -> str:
        """The tree of HEAD."""
        return run(self._work, "rev-parse", "HEAD^{tree}").stdout.strip()

    def merge(self, step: Step) -> bool:
        """Merge, look at the status, and commit or abort."""
        run(self._work, "merge", step.ticket, "--no-ff", "--no-commit", ok=(0, 1))
        status = run(self._work, "status").stdout
        if "nothing to commit" in status:
            return False
        if "All conflicts fixed but you are still merging." not in status:
            run(self._work, "diff", "--name-only", "--diff-filter=U")
            run(self._work, "merge", "--abort")
            return False
        descriptor, name = tempfile.mkstemp()
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(step.message)
            run(self._work, "commit", f"--file={name}", f"--author={WHO}")
        finally:
            Path(name).unlink()
        return True

    def carry(self, step: Step) -> None:
        """Move the work tree along."""
        head = run(self._work, "rev-parse", "HEAD").stdout.strip()
        run(self._work, "reset", "--quiet", "--hard", carry(self.repository, head, step)[0])


@dataclass
class Plumbing:
    """The least that git itself needs: `merge-tree` and `commit-tree`, two processes a merge."""

    repository: Repository
    release: Release
    name: str = "git plumbing"
    _head: str = field(init=False)
    tree: str = field(init=False)

    def __post_init__(self) -> None:
        self._head, self.tree = self.release.commit, self.release.tree

    def merge(self, step: Step) -> bool:
        """Write the merged tree, then the commit."""
        merged = run(self.repository.path, "merge-tree", "--write-tree", self._head, step.ticket, ok=(0, 1))
        if merged.returncode:
            return False
        self.tree = merged.stdout.split("\n", 1)[0]
        arguments = ("commit-tree", self.tree, "-p", self._head, "-p", step.ticket)
        self._head = run(self.repository.path, *arguments, put=step.message).stdout.strip()
        return True

    def carry(self, step: Step) -> None:
        """Move the head along."""
        self._head, self.tree = carry(self.repository, self._head, step)


def clone(source: Path, target: Path, *, bare: bool) -> Repository:
    """Return a clone that borrows the objects of ``source`` and writes nothing there, with a commit-graph.

    Raises :class:`SourceError` if ``source`` is no repository.
    """
    if not source.is_dir():
        raise SourceError(f"{source} is no git repository on this disk.")
    form = "--bare" if bare else "--no-checkout"
    arguments = ("clone", "--quiet", "--shared", form, "--template=", "--", str(source), str(target))
    run(target.parent, *arguments, own_config=True)
    run(target, "config", "gc.auto", "0")  # no clean-up in the background while others are timed
    run(target, "commit-graph", "write", "--reachable", "--no-progress")
    return Repository.open(target)


def run(
    folder: Path, *command: str, put: str = "", ok: tuple[int, ...] = (0,), own_config: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run one git command, as others than Integrand would.

    ``own_config`` lets the user's configuration in, which may say that a folder of someone else is safe to read.

    Raises :class:`SourceError` for a status not in ``ok``.
    """
    done = subprocess.run(
        ["git", *command],
        cwd=folder,
        input=put,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        | ({} if own_config else _SAME_EVERYWHERE),
        check=False,
    )
    if done.returncode not in ok:
        why = done.stderr.strip().splitlines()[:1] or [f"status {done.returncode}"]
        raise SourceError(f"git {command[0]} failed: {why[0]}")
    return done


_NAME, _, _MAIL = WHO.rstrip(">").partition(" <")
_SAME_EVERYWHERE = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": _MAIL,
    "GIT_AUTHOR_NAME": _NAME,
    "GIT_AUTHOR_EMAIL": _MAIL,
    "LC_ALL": "C",
}
