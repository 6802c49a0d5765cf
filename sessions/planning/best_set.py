"""The best set of tickets that go together, with the proof that there is no better one. Pure.

Better is the set with more tickets of the highest priority; of equals, that with more of the next priority, and so on;
then that with more of the tickets of the day before; then that which has the earlier tickets of the merge order, so
that exactly one set is the best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.planning.solver import BinaryProgram
from sessions.tickets.order import Needs


@dataclass(frozen=True, kw_only=True)
class Incompatibility:
    """Tickets that do not go together, unless one of the ``menders`` is with them.

    Later branches often carry the changes of earlier ones; then two that conflict merge once the third is in.
    """

    tickets: frozenset[int]
    menders: frozenset[int] = frozenset()

    def excludes(self, numbers: frozenset[int]) -> bool:
        """Whether a set of tickets cannot be in the line because of this."""
        return self.tickets <= numbers and not self.menders & numbers


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to choose from: ``order`` are the tickets in merge order, ``rank`` their priorities (0 is the highest).

    ``needs`` are the tickets that must be merged before each, ``together`` those without which it is not merged, in any
    order; those outside ``order`` are met. ``before`` are the tickets of the day before.
    """

    order: Sequence[int]
    rank: Mapping[int, int]
    needs: Needs
    before: frozenset[int] = frozenset()
    together: Needs = field(default_factory=dict)

    def company(self, number: int) -> frozenset[int]:
        """Return the tickets of ``order`` without which a ticket cannot be in the set."""
        nobody = frozenset[int]()
        return (self.needs.get(number, nobody) | self.together.get(number, nobody)) & frozenset(self.order)

    def within(self, part: Sequence[int]) -> Choice:
        """Return the choice from a part of the tickets, which is in merge order."""
        return replace(self, order=part, before=self.before & frozenset(part))

    def levels(self, numbers: Iterable[int], bounds: Mapping[int, int] | None = None) -> tuple[RankCount, ...]:
        """Return how many of ``numbers`` there are of each priority; ``bounds`` are their own unless given."""
        counts = Counter(self.rank[number] for number in numbers)
        ranks = sorted({self.rank[number] for number in self.order})
        return tuple(RankCount(rank=r, count=counts[r], bound=(bounds or counts).get(r, counts[r])) for r in ranks)


@dataclass(frozen=True, kw_only=True)
class RankCount:
    """How many tickets of a priority are in the set, and the most that any set has that is as good up to here."""

    rank: int
    count: int
    bound: int


@dataclass(frozen=True, kw_only=True)
class ChosenSet:
    """A set of tickets, in merge order, and its levels; it is proven to be the best where each reaches its bound."""

    numbers: tuple[int, ...]
    levels: tuple[RankCount, ...]


def choose(choice: Choice, incompatible: Iterable[Incompatibility], *, with_: int | None = None) -> ChosenSet | None:
    """Return the best set that ``incompatible`` permit; of those with the ticket ``with_``, if one is given.

    ``None`` where no set has that ticket. Raises :class:`UsageError` where the solver is not installed.
    """
    program = _program(choice, incompatible)
    if with_ is not None:
        program.fix(with_, 1)
    bounds = dict[int, int]()
    chosen = frozenset[int]()
    for rank in sorted({choice.rank[number] for number in choice.order}):
        terms = {number: 1 for number in choice.order if choice.rank[number] == rank}
        best = program.maximise(terms)
        if best is None:
            return None
        bounds[rank] = best.bound
        program.require(terms, at_least=best.value)
        chosen = best.chosen
    chosen = _nearest(program, choice.before & frozenset(choice.order), chosen)
    chosen = _earliest(program, choice.order, chosen)
    return ChosenSet(numbers=tuple(n for n in choice.order if n in chosen), levels=choice.levels(chosen, bounds))


def _program(choice: Choice, incompatible: Iterable[Incompatibility]) -> BinaryProgram:
    program = BinaryProgram(choice.order)
    inside = frozenset(choice.order)
    for number in choice.order:
        for needed in choice.company(number):
            program.require({needed: 1, number: -1}, at_least=0)
    for each in incompatible:
        if each.tickets <= inside:
            terms = dict.fromkeys(sorted(each.tickets), 1) | dict.fromkeys(sorted(each.menders & inside), -1)
            program.require(terms, at_most=len(each.tickets) - 1)
    return program


def _nearest(program: BinaryProgram, before: frozenset[int], chosen: frozenset[int]) -> frozenset[int]:
    """Of the sets that are as good, one with the most tickets of the day before."""
    if not before - chosen:
        program.require(dict.fromkeys(sorted(before), 1), at_least=len(before))
        return chosen
    terms = dict.fromkeys(sorted(before), 1)
    best = program.maximise(terms)
    assert best is not None  # noqa: S101  ``chosen`` is a solution
    program.require(terms, at_least=best.value)
    return best.chosen


def _earliest(program: BinaryProgram, order: Sequence[int], chosen: frozenset[int]) -> frozenset[int]:
    """Of the sets that are as good, that which has the first ticket of the order, if any has it; then the second…"""
    for number in order:
        program.fix(number, 1)
        if number not in chosen:
            if best := program.maximise({}):
                chosen = best.chosen
            else:
                program.fix(number, 0)
    return chosen
