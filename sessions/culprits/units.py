"""Tickets that enter and leave the merge line together: to a search, each such group is one ticket. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sessions.culprits.findings import Blame, Finding, Flaky, Query, Subset, Unexplained
from sessions.tickets.order import Needs, closure, merge_order


@dataclass(frozen=True, kw_only=True)
class Units:
    """A merge line whose groups are contracted, each to its last ticket.

    ``line`` and ``needs`` are those of the search; ``members`` are the tickets of each unit, in merge order, or nothing
    where there are no groups.
    """

    line: tuple[int, ...]
    needs: Needs
    members: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, line: Sequence[int], needs: Needs, together: Mapping[int, Iterable[int]]) -> Units:
        """Contract the groups in ``line``. ``together`` are the tickets without which each ticket is not merged.

        A ticket that a group needs, and that needs the group, belongs to it.
        """
        place = {number: at for at, number in enumerate(line)}
        required = {
            number: (needs.get(number, frozenset()) | frozenset(together.get(number, ()))) & place.keys()
            for number in line
        }
        members: dict[int, tuple[int, ...]] = {number: (number,) for number in line}
        for number in line:
            if together.get(number):
                around = closure(frozenset([number]), required)
                unit = (other for other in around if number in closure(frozenset([other]), required))
                members[number] = tuple(sorted(unit, key=place.__getitem__))
        if all(len(unit) == 1 for unit in members.values()):
            return cls(line=tuple(line), needs=needs, members={})
        unit_of = {number: unit[-1] for unit in members.values() for number in unit if len(unit) > 1}
        units = {number: members[number] for number in line if unit_of.get(number, number) == number}
        unit_needs = {
            last: frozenset(unit_of.get(each, each) for number in unit for each in required[number]) - {last}
            for last, unit in units.items()
        }
        order = merge_order(unit_needs, rank=lambda _number: 0, place=place.__getitem__)
        return cls(line=order, needs=unit_needs, members=units)

    def contract(self, weights: Mapping[int, float]) -> Mapping[int, float]:
        """Return the weights of units: the sum of their tickets'."""
        if not self.members:
            return weights
        sums = {last: sum(weights.get(number, 0.0) for number in unit) for last, unit in self.members.items()}
        return {last: weight for last, weight in sums.items() if weight}

    def expand(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return all tickets of some units."""
        return tuple(member for number in numbers for member in self.members.get(number, (number,)))

    def query(self, query: Query) -> Query:
        """Return the query about all tickets of the units that a search asks about."""
        return replace(query, tickets=self._subset(query.tickets)) if self.members else query

    def finding(self, found: Finding) -> Finding:
        """Return what a search found about units, with all of their tickets."""
        if isinstance(found, Unexplained):
            return found
        if isinstance(found, Flaky):
            return replace(found, tickets=self._subset(found.tickets))
        return Blame(
            culprits=self.expand(found.culprits),
            partners=self.expand(found.partners),
            fails=self._subset(found.fails),
            passes=tuple(map(self._subset, found.passes)),
        )

    def _subset(self, numbers: Subset) -> Subset:
        return frozenset(self.expand(numbers))
