"""Learns which tickets do not go together, by merging sets of them in memory and making those that fail smaller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.planning.best_set import Incompatibility
from sessions.source.conflicts import Clash
from sessions.source.line import Queue
from sessions.source.merging import Candidate, Merger
from sessions.tickets.model import Ticket
from sessions.tickets.order import closure


@dataclass(kw_only=True)
class IncompatibleSets:
    """Finds sets of tickets of a queue that do not merge in the queue's order.

    Every method raises :class:`SourceError` where git itself failed.
    """

    queue: Queue
    merger: Merger
    _paths: dict[int, frozenset[str]] = field(default_factory=dict, init=False)

    def within(self, numbers: Iterable[int]) -> tuple[tuple[int, ...], tuple[Incompatibility, ...]]:
        """Return which of ``numbers`` merge, and one set for each ticket that conflicts with those before it.

        ``numbers`` has all that its tickets need. What needs a ticket that conflicts is not tried.
        """
        head, merged, stopped = self.merger.base, list[int](), set[int]()
        found = list[Incompatibility]()
        for number in self._in_order(numbers):
            if stopped & closure(frozenset([number]), self.queue.needs):
                continue
            match self.merger.merge(head, self._tickets[number]):
                case Clash() as clash:
                    found.append(self._smallest(merged, number, clash.paths))
                    stopped.add(number)
                case Candidate() as head:
                    merged.append(number)
        return tuple(merged), tuple(found)

    def merges(self, numbers: Iterable[int]) -> bool:
        """Whether tickets, with what they need, merge onto the base in the queue's order."""
        chosen = closure(frozenset(numbers), self.queue.needs)
        merged = self.merger.combine(self._tickets[number] for number in self._in_order(chosen))
        return isinstance(merged, Candidate)

    @cached_property
    def _tickets(self) -> Mapping[int, Ticket]:
        return {ticket.number: ticket for ticket in self.queue.tickets}

    @cached_property
    def _places(self) -> Mapping[int, int]:
        return {number: place for place, number in enumerate(self._tickets)}

    def _smallest(self, before: Sequence[int], number: int, paths: frozenset[str]) -> Incompatibility:
        """Make ``before`` and ``number``, which conflicts with them in ``paths``, as small as possible.

        The set that is returned has no mender in ``before``, so that it excludes ``before`` with ``number``.
        """
        pool = [each for each in before if self._touches(each, paths)]
        if self.merges([*pool, number]):
            pool = list(before)  # a rename, or another change of a file that the conflict does not name
        kept = self._shrink(self._grow([number], pool))
        while inside := (menders := self._menders(kept, paths)) & frozenset(before):
            kept = self._grow([*kept, min(inside)], pool)
        return Incompatibility(tickets=frozenset(kept), menders=menders)

    def _grow(self, kept: list[int], pool: Sequence[int]) -> list[int]:
        """Add as few of ``pool``, with all of which ``kept`` does not merge, as it takes to be in conflict.

        This is the first half of QuickXplain (Junker 2004): the shortest prefix that conflicts ends with a ticket
        that the conflict needs.
        """
        rest = [number for number in pool if number not in kept]
        while rest and self.merges(kept):
            low, high = 0, len(rest)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self.merges([*kept, *rest[:middle]]) else (low, middle)
            kept = [*kept, rest[high - 1]]
            rest = rest[: high - 1]
        return kept

    def _shrink(self, kept: list[int]) -> list[int]:
        """Leave out each ticket without which the others do not merge either."""
        for number in list(kept):
            others = [each for each in kept if each != number]
            if others and not self.merges(others):
                kept = others
        return kept

    def _menders(self, kept: Sequence[int], paths: frozenset[str]) -> frozenset[int]:
        """Return the tickets with any one of which ``kept`` merges: they change files in which it conflicts."""
        inside, last = closure(frozenset(kept), self.queue.needs), max(self._places[number] for number in kept)
        return frozenset(
            number
            for number, place in self._places.items()
            if place < last and number not in inside and self._touches(number, paths) and self.merges([*kept, number])
        )

    def _in_order(self, numbers: Iterable[int]) -> list[int]:
        return sorted(self._places.keys() & set(numbers), key=self._places.__getitem__)

    def _touches(self, number: int, paths: frozenset[str]) -> bool:
        if number not in self._paths:
            merged = self.merger.merge(self.merger.base, self._tickets[number])
            self._paths[number] = changed_paths(self.merger, merged.tree)
        return bool(self._paths[number] & paths)


def changed_paths(merger: Merger, tree: str) -> frozenset[str]:
    """Return the files that differ between the base and ``tree``; none for an empty id."""
    if not tree:
        return frozenset()
    arguments = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", merger.base.tree, tree)
    return frozenset(merger.repository.git(*arguments).fields())
