"""Compare tickets with the release and the target branch: contained, reverted, or built on a reverted ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property

from sessions.source.line import Queue
from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import Naming, Release
from sessions.source.reverts import OwnHistory, Removal, find_removals, find_sequels
from sessions.source.trunk import TargetBranch, Trunk
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.model import Decision, Verdict


@dataclass(frozen=True)
class Standing:
    """What the repository says about tickets, by number and the ``tips`` of their branches.

    Ancestry and content decide, never a ticket's number in a commit's subject. Close it after use.
    """

    tips: Mapping[int, str]
    mirror: Mirror
    release: Release
    history: OwnHistory
    released: frozenset[str]
    target: TargetBranch | None
    subjects: MergeSubjects

    @classmethod
    def of(
        cls, tips: Mapping[int, str], mirror: Mirror, release: Release, target: str | None, subjects: MergeSubjects
    ) -> Standing:
        """Read the history of tickets' branches, and of their target branch, if one is configured.

        Raises :class:`SourceError` if the target branch does not exist.
        """
        branch, release_history = None, ReleaseHistory(mirror.repository, release)
        if target:
            tip = mirror.target(target)
            branch = TargetBranch.of(target, tip, release_history.graph({tip, *tips.values()}))
        history = OwnHistory(mirror.repository, release.commit)
        return cls(tips, mirror, release, history, release_history.contained(tips.values()), branch, subjects)

    def close(self) -> None:
        """End the git processes."""
        self.history.close()

    def contained(self, number: int) -> str:
        """Return why merging a ticket adds nothing: the release or its branch has it. Empty if it may add something."""
        tip = self.tips[number]
        if number in self.removals:
            return _taken_out(self.release.tag, self.removals[number])
        if tip in self.released:
            return "the release contains it"
        if self.target and tip in self.target.line:
            return f"it has no commit of its own: {self.target.name} has them all"
        return ""

    def with_sequels(self, carried: Mapping[int, frozenset[int]], numbers: Iterable[int]) -> dict[int, frozenset[int]]:
        """Return ``carried``, extended by the reverted tickets that each ticket is built on."""
        sequels = find_sequels(self.history, self.removals, self.tips, numbers)
        return {number: others | sequels.get(number, frozenset()) for number, others in carried.items()}

    def complete(self, queue: Queue) -> Queue:
        """Return the queue with its trunk, and with what the release's history says about the tickets' needs."""
        queued = {ticket.number for ticket in queue.tickets}
        needed = frozenset[int]().union(*(queue.needs[number] for number in queued)) - queue.needs.keys()
        named = {number: self._named[number] for number in sorted(needed & self._named.keys())}
        gone = {n: removal for n, naming in named.items() if (removal := self.history.removal_of(naming.commit))}
        completed = replace(
            queue,
            met={number: str(naming) for number, naming in named.items() if number not in gone},
            removed={number: str(removal) for number, removal in {**self.removals, **gone}.items()},
            hints={n: f"a hint: {self._named[n]} names it" for n in sorted(queued & self._named.keys())},
        )
        return self._with_trunk(completed)

    @cached_property
    def removals(self) -> Mapping[int, Removal]:
        """The tickets that the release contains and reverted, and by what."""
        return find_removals(self.history, {n: tip for n, tip in self.tips.items() if tip in self.released})

    @cached_property
    def _named(self) -> Mapping[int, Naming]:
        """For each ticket, the newest first-parent commit of the release whose subject says that it merges it."""
        return ReleaseHistory(self.mirror.repository, self.release).namings(self.subjects)

    def _with_trunk(self, queue: Queue) -> Queue:
        if self.target is None:
            return queue
        tips = frozenset(self.tips.values())
        found = ((each.number, self.target.newest_carried(each.commit, tips)) for each in queue.tickets)
        places = {number: place for number, place in found if place is not None}
        if not places:
            return queue
        trunk = self.target.until(max(places.values()), self.release.tag)
        return self._without_removed(replace(queue, trunk=trunk, carriers=frozenset(places)), trunk)

    def _without_removed(self, queue: Queue, trunk: Trunk) -> Queue:
        """Remove tickets that the trunk merged and reverted, and record it for the tickets that are built on them."""
        assert self.target is not None  # noqa: S101  there is a trunk
        brought, last = self.target.brought, len(trunk.line) - 1
        with closing(OwnHistory(self.mirror.repository, trunk.commit)) as history:
            merged = {n: tip for n, tip in self.tips.items() if brought.get(tip, last + 1) <= last}
            removals = find_removals(history, merged)
            numbers = [ticket.number for ticket in queue.tickets]
            sequels = find_sequels(history, removals, self.tips, numbers)
        out = {
            number: Decision(verdict=Verdict.ALREADY_MERGED, reason=_taken_out(trunk.name, removals[number]))
            for number in numbers
            if number in removals
        }
        return replace(
            queue,
            tickets=tuple(ticket for ticket in queue.tickets if ticket.number not in out),
            out={**queue.out, **out},
            needs=_joined(queue.needs, sequels),
            carried=_joined(queue.carried, sequels),
            removed={**queue.removed, **{number: str(removal) for number, removal in removals.items()}},
        )


def _taken_out(name: str, removal: Removal) -> str:
    return f"merging it brings nothing: {name} contains it, and {removal} reverted its changes"


def _joined(before: Mapping[int, frozenset[int]], more: Mapping[int, frozenset[int]]) -> dict[int, frozenset[int]]:
    return {number: others | more.get(number, frozenset()) for number, others in before.items()}
