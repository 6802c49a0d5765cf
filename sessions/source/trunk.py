"""The target branch's unreleased commits, and which of them a ticket carries. Pure.

Most pull requests start at the tip of their target branch. That branch is ahead of the newest release, and its commits
since then belong neither to the release nor to the ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sessions.source.stacked import Parents


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """The commits of the target branch that the merge line starts with, before any ticket.

    ``line`` are the branch's first-parent commits that the release lacks, oldest first, up to the newest one that a
    ticket contains; ``commits`` counts these and all that they merged. ``since`` is the release.
    """

    name: str
    since: str
    line: tuple[str, ...]
    commits: int

    @property
    def commit(self) -> str:
        """The newest of them."""
        return self.line[-1]

    @property
    def extent(self) -> str:
        """The number of commits, as ``12 commits since 3.1.0``."""
        return f"{self.commits} commit{'s' * (self.commits != 1)} since {self.since}"

    def __str__(self) -> str:
        """Return a phrase such as ``main (12 commits since 3.1.0)``."""
        return f"{self.name} ({self.extent})"


@dataclass(frozen=True, kw_only=True)
class TargetBranch:
    """The target branch since the release.

    ``line`` are its first-parent commits, oldest first. ``brought`` maps each of its commits that the release lacks to
    the index in ``line`` at which it was merged. ``parents`` has the parents of all commits since the release.
    """

    name: str
    line: tuple[str, ...]
    brought: Mapping[str, int]
    parents: Parents

    @classmethod
    def of(cls, name: str, tip: str, parents: Parents) -> TargetBranch:
        """Read a branch from ``parents``, those of all commits that the release lacks."""
        line = list[str]()
        while tip in parents:
            line.append(tip)
            if not parents[tip]:
                break
            tip = parents[tip][0]
        line.reverse()
        brought = dict[str, int]()
        for place, commit in enumerate(line):
            open_ = [commit]
            while open_:
                each = open_.pop()
                if each in parents and each not in brought:
                    brought[each] = place
                    open_.extend(parents[each])
        return cls(name=name, line=tuple(line), brought=brought, parents=parents)

    def newest_carried(self, tip: str, tickets: AbstractSet[str]) -> int | None:
        """Return the index in ``line`` of the newest of its commits that a ticket at ``tip`` contains, or ``None``.

        Commits that the branch got by merging this ticket are the ticket's own. The search stops at the tips of other
        ``tickets``, which are examined by themselves.
        """
        own = self.brought.get(tip)
        found, seen, open_ = -1, set[str](), [tip]
        while open_:
            commit = open_.pop()
            if commit in seen or commit not in self.parents:
                continue
            seen.add(commit)
            place = self.brought.get(commit)
            if place is not None and place != own:
                found = max(found, place)  # its ancestors were merged no later
            elif commit == tip or commit not in tickets:
                open_.extend(self.parents[commit])
        return None if found < 0 else found

    def until(self, place: int, since: str) -> Trunk:
        """Return the branch up to an index of its line."""
        commits = sum(each <= place for each in self.brought.values())
        return Trunk(name=self.name, since=since, line=self.line[: place + 1], commits=commits)
