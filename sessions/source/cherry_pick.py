"""Apply changes to trees in memory, as ``git cherry-pick`` does: https://git-scm.com/docs/git-cherry-pick.

A three-way merge applies the difference between two commits to a tree that may have neither of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sessions.source.conflicts import Clash, clash_in
from sessions.source.merge_commit import commit_content
from sessions.source.merge_tree import MergeTree
from sessions.source.repository import Repository
from sessions.terminal.ticket_numbers import name_ticket


@dataclass(frozen=True, kw_only=True)
class BranchChange:
    """A change from one commit to another; ``subject`` and ``number`` say what main calls it (0: no ticket)."""

    before: str
    after: str
    subject: str = ""
    number: int = 0

    def __str__(self) -> str:
        """Return the ticket's number, or else the commit with its subject."""
        return name_ticket(self.number) if self.number else f"{self.after[:10]} ({self.subject})"


@dataclass
class CherryPicker:
    """Picks changes onto trees of one repository.

    ``signature`` is author and committer with the time, as a commit object has it. Close it after use.
    """

    repository: Repository
    signature: str
    _git: MergeTree = field(init=False, repr=False)
    # Of each change, the commits of its start and of its end: a search for what is needed applies it again and again.
    _sides: dict[BranchChange, tuple[str, str]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._git = MergeTree(self.repository)

    def close(self) -> None:
        """End the git processes."""
        self._git.close()

    def pick(self, tree: str, change: BranchChange) -> str | Clash:
        """Return a tree with a change applied, or their conflict.

        git 2.39 takes no merge base for `merge-tree`: commits that have the wanted one stand for the two sides.
        Raises :class:`SourceError` if git fails.
        """
        if change not in self._sides:
            before, after = (
                self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
                for commit in (change.before, change.after)
            )
            base = self.write(before, (), "base")
            self._sides[change] = base, self.write(after, (base,), "theirs")
        base, theirs = self._sides[change]
        merge = self._git.merge(self.write(tree, (base,), "ours"), theirs, tree)
        return merge.tree if merge.clean else clash_in(self.repository, tree, merge.tree, merge.rest)

    def pick_all(self, tree: str, steps: Iterable[BranchChange], last: BranchChange) -> str | None:
        """Return a tree with all ``steps`` that apply, and ``last``; ``None`` if that one conflicts."""
        for step in steps:
            applied = self.pick(tree, step)
            tree = tree if isinstance(applied, Clash) else applied
        applied = self.pick(tree, last)
        return None if isinstance(applied, Clash) else applied

    def write(self, tree: str, parents: tuple[str, ...], subject: str) -> str:
        """Write a commit of a tree, and return its id."""
        return self.repository.write_commit(commit_content(tree, parents, self.signature, f"{subject}\n"))
