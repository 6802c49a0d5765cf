"""Find tickets that were merged and reverted later.

git never merges a commit twice. The release contains the commits of a ticket that was merged and then reverted, but not
its changes, and merging it again does not bring them back
(https://github.com/git/git/blob/master/Documentation/howto/revert-a-faulty-merge.adoc).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.source.merge_tree import MergeTree
from sessions.source.repository import Repository

_NOBODY = "Integrand <integrand@localhost> 0 +0000"


@dataclass(frozen=True, kw_only=True)
class Removal:
    """The commit that reverted a ticket."""

    commit: str
    subject: str

    def __str__(self) -> str:
        """Return a phrase such as ``1a2b3c4d5e (Revert "Fix it")``."""
        return f"{self.commit[:10]} ({self.subject})"


@dataclass(frozen=True)
class OwnHistory:
    """The first-parent history of a ``tip``: what it merged, and what it reverted."""

    repository: Repository
    tip: str
    _git: MergeTree = field(init=False, repr=False)
    _known: dict[str, Removal | None] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_git", MergeTree(self.repository))

    def close(self) -> None:
        """End the git processes."""
        self._git.close()

    @cached_property
    def line(self) -> tuple[str, ...]:
        """The first-parent commits, oldest first."""
        arguments = ("rev-list", "--first-parent", "--reverse", self.tip)
        return tuple(self.repository.git(*arguments).text.split())

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {commit: place for place, commit in enumerate(self.line)}

    def merge_of(self, commit: str) -> str:
        """Return the first-parent commit that brought in a commit of the history: the commit itself, or a merge."""
        if commit in self._places:
            return commit
        arguments = ("rev-list", "--ancestry-path", f"{commit}..{self.tip}")
        after = set(self.repository.git(*arguments).text.split())
        return next(each for each in self.line if each in after)

    def removal_of(self, commit: str) -> Removal | None:
        """Return what reverted a first-parent commit; ``None`` if its changes are still there.

        The changes are gone if undoing them changes nothing. If undoing them conflicts, later commits are built on
        them, so they are there.
        """
        if commit not in self._known:
            self._known[commit] = self._removal_of(commit)
        return self._known[commit]

    def _removal_of(self, commit: str) -> Removal | None:
        reply = self.repository.git("rev-parse", "--verify", "--quiet", f"{commit}^1^{{tree}}", ok=(0, 1, 128))
        tree = self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
        if reply.status or reply.text == tree:
            return None
        undo = self.repository.write_commit(
            f"tree {reply.text}\nparent {commit}\nauthor {_NOBODY}\ncommitter {_NOBODY}\n\nUndo\n".encode()
        )
        low, high = self._places[commit], len(self.line) - 1
        if low == high or not self._lacks(self.line[high], undo):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._lacks(self.line[middle], undo) else (middle, high)
        return self._removal(self.line[high])

    def _lacks(self, commit: str, undo: str) -> bool:
        tree = self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
        merge = self._git.merge(commit, undo)
        return merge.clean and merge.tree == tree

    def _removal(self, commit: str) -> Removal:
        arguments = ("log", "-1", "--no-show-signature", "--format=%s", commit)
        return Removal(
            commit=commit, subject=self.repository.git(*arguments).out.decode("utf-8", "replace").strip()[:100]
        )


def find_removals(history: OwnHistory, tips: Mapping[int, str]) -> dict[int, Removal]:
    """Return which of the tickets whose ``tips`` a history contains were reverted, and by what."""
    found: dict[int, Removal] = {}
    for number, tip in tips.items():
        merge = history.merge_of(tip)
        # A tip that is a first-parent commit belongs to a branch without commits of its own: nothing to revert.
        if merge != tip and (removal := history.removal_of(merge)):
            found[number] = removal
    return found


def find_sequels(
    history: OwnHistory, removals: Mapping[int, Removal], tips: Mapping[int, str], numbers: Iterable[int]
) -> dict[int, frozenset[int]]:
    """Return those of ``numbers`` that are built on reverted tickets, and on which.

    Such a branch has the reverted ticket's commits, but neither their merge nor the revert.
    """
    merges = {old: history.merge_of(tips[old]) for old in removals}
    built = {
        number: frozenset(
            old
            for old, gone in removals.items()
            if old != number
            and _contains(history.repository, tips[old], tips[number])
            and not any(_contains(history.repository, each, tips[number]) for each in (merges[old], gone.commit))
        )
        for number in (numbers if removals else ())
    }
    return {number: old for number, old in built.items() if old}


def _contains(repository: Repository, commit: str, tip: str) -> bool:
    return not repository.git("merge-base", "--is-ancestor", commit, tip, ok=(0, 1)).status
