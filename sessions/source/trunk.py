"""The target branch's unreleased commits, and which of them a ticket carries. Pure.

Most pull requests start at the tip of the branch that they are for. That branch is ahead of the newest release, and
what it did since is neither the release's nor the ticket's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sessions.source.stacked import Parents


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """The commits of a branch that the merge line starts with, before any ticket.

    ``line`` are the branch's own (first-parent) commits that the release lacks, oldest first, up to the newest one that
    a ticket carries; ``commits`` counts these and all that they merged. ``since`` is the release.
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
        """How much it is, as ``12 commits since 3.1.0``."""
        return f"{self.commits} commit{'s' * (self.commits != 1)} since {self.since}"

    def __str__(self) -> str:
        """A phrase such as ``main (12 commits since 3.1.0)``."""
        return f"{self.name} ({self.extent})"


@dataclass(frozen=True, kw_only=True)
class TargetBranch:
    """A branch since the release.

    ``line`` are its own (first-parent) commits, oldest first; ``brought`` tells for each commit that it has and the
    release lacks the place in the line at which it came in. ``parents`` are those of all commits since the release.
    """

    name: str
    line: tuple[str, ...]
    brought: Mapping[str, int]
    parents: Parents

    @classmethod
    def of(cls, name: str, tip: str, parents: Parents) -> TargetBranch:
        """Read a branch from the parents of all commits that the release lacks."""
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
        """Return the place of the newest of the branch's commits that a ticket at ``tip`` carries, ``None`` for none.

        Commits that came into the branch by the merge of this very ticket are the ticket's own, and what other
        ``tickets`` (their tips) carry is asked of them.
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
                found = max(found, place)  # and its ancestors came in no later
            elif commit == tip or commit not in tickets:
                open_.extend(self.parents[commit])
        return None if found < 0 else found

    def until(self, place: int, since: str) -> Trunk:
        """Return the branch up to a place in its line."""
        commits = sum(each <= place for each in self.brought.values())
        return Trunk(name=self.name, since=since, line=self.line[: place + 1], commits=commits)
