"""How tickets stand to the release and to the branch that they are for: contained, taken out again, or built on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sessions.source.line import Queue
from sessions.source.mirror import Mirror
from sessions.source.releases import Naming, Release
from sessions.source.reverts import ReleaseHistory, Removal, contains
from sessions.source.trunk import TargetBranch


@dataclass(frozen=True)
class Standing:
    """What the repository tells of tickets, by number and the ``tips`` of their branches.

    Ancestry and content decide, never a number in a commit's subject. Close it after use.
    """

    tips: Mapping[int, str]
    mirror: Mirror
    release: Release
    history: ReleaseHistory
    released: frozenset[str]
    target: TargetBranch | None

    @classmethod
    def of(cls, tips: Mapping[int, str], mirror: Mirror, release: Release, target: str | None) -> Standing:
        """Look at the branches of tickets, and at the branch that they are for, if there is one.

        Raises :class:`SourceError` where that branch does not exist.
        """
        branch = None
        if target:
            tip = mirror.target(target)
            branch = TargetBranch.of(target, tip, mirror.graph({tip, *tips.values()}, release))
        history = ReleaseHistory(mirror.repository, release)
        return cls(tips, mirror, release, history, mirror.in_release(tips.values(), release), branch)

    def close(self) -> None:
        """Let go of git."""
        self.history.close()

    def contained(self, number: int) -> str:
        """Return why merging a ticket brings nothing, as the release or its branch contains it; empty if it may."""
        tip = self.tips[number]
        if number in self.removals:
            gone = self.removals[number]
            return f"merging it brings nothing: {self.release.tag} contains it, and {gone} took its changes out again"
        if tip in self.released:
            return "the release contains it"
        if self.target and tip in self.target.line:
            return f"it has no commit of its own: {self.target.name} has them all"
        return ""

    def with_sequels(self, carried: Mapping[int, frozenset[int]], numbers: Iterable[int]) -> dict[int, frozenset[int]]:
        """Return ``carried``, and for tickets built on one that was taken out of the release again, that one.

        Such a branch has the ticket's commits and neither the merge that brought them into the release nor the commit
        that took them out.
        """
        found = dict(carried)
        for old, gone in self.removals.items():
            merge = self.history.merge_of(self.tips[old])
            for number in numbers:
                has = (contains(self.mirror.repository, each, self.tips[number]) for each in (merge, gone.commit))
                if contains(self.mirror.repository, self.tips[old], self.tips[number]) and not any(has):
                    found[number] = found[number] | {old}
        return found

    def complete(self, queue: Queue) -> Queue:
        """Return the queue with its trunk, and with what the release's history tells of what its tickets need."""
        listed = self.tips.keys() | queue.needs.keys()
        queued = {ticket.number for ticket in queue.tickets}
        needed = frozenset[int]().union(*(queue.needs[number] for number in queued)) - listed
        named = {number: self.named[number] for number in sorted(needed) if number in self.named}
        gone = {number: removal for number, naming in named.items() if (removal := self._removal_of(naming.commit))}
        removed = {**self.removals, **gone}
        hints = {number: f"a hint: {self.named[number]} names it" for number in sorted(queued & self.named.keys())}
        queue = replace(
            queue,
            met={number: str(naming) for number, naming in named.items() if number not in gone},
            removed={number: str(removal) for number, removal in removed.items()},
            hints=hints,
        )
        return self._with_trunk(queue)

    @cached_property
    def named(self) -> Mapping[int, Naming]:
        """The newest commit of the release's own that names each ticket as merged."""
        return self.mirror.namings(self.release)

    @cached_property
    def removals(self) -> Mapping[int, Removal]:
        """The tickets that the release contains, and what took each out again."""
        found = ((number, self._removal(tip)) for number, tip in self.tips.items() if tip in self.released)
        return {number: removal for number, removal in found if removal}

    def _removal(self, tip: str) -> Removal | None:
        merge = self.history.merge_of(tip)
        # A branch that starts at one of the release's own commits has nothing of its own that could be taken out.
        return self._removal_of(merge) if merge != tip else None

    def _removal_of(self, commit: str) -> Removal | None:
        return self.history.removal_of(commit)

    def _with_trunk(self, queue: Queue) -> Queue:
        if self.target is None:
            return queue
        tips = frozenset(self.tips.values())
        found = ((each.number, self.target.newest_carried(each.commit, tips)) for each in queue.tickets)
        places = {number: place for number, place in found if place is not None}
        if not places:
            return queue
        return replace(
            queue, trunk=self.target.until(max(places.values()), self.release.tag), carriers=frozenset(places)
        )
