"""Finds the best set of a queue part by part: tickets without a common file or commit do not bear on each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sessions.planning.best_set import Choice, ChosenSet, Incompatibility, RankCount, choose
from sessions.planning.incompatible import IncompatibleSets
from sessions.planning.merge_states import Commits, StateWalk, TooManyStatesError, shared_commits
from sessions.planning.pair_conflicts import footprint_of
from sessions.planning.parts import split_parts
from sessions.source.line import Queue
from sessions.source.merging import Merger
from sessions.tickets.model import Ticket

# With more states of a line than this after any ticket, the solver finds the set.
_MOST_STATES = 1000
# The solver's set is merged, and what does not fit is learnt, this often at most.
_MOST_ROUNDS = 200


@dataclass(frozen=True, kw_only=True)
class BestSet:
    """The best set of a queue, in merge order, and how good it is.

    Where ``is_exact``, merges have ruled out every better set. Else the bounds assume that tickets which conflict also
    do in a larger set, unless it has one more ticket with which they were seen to merge.
    """

    numbers: tuple[int, ...]
    levels: tuple[RankCount, ...]
    is_exact: bool
    learnt: tuple[Incompatibility, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether each level reaches its bound, so that there is no better set."""
        return all(level.count == level.bound for level in self.levels)


@dataclass(kw_only=True)
class BestLine:
    """Finds the best set of the tickets of ``choice``, and the best sets with one more ticket.

    ``apart`` are sets of tickets that must not be in one line, though they merge: together they break a test.
    Each method raises :class:`SourceError` where git itself failed, and :class:`UsageError` where the solver is needed
    and not installed.
    """

    choice: Choice
    queue: Queue
    merger: Merger
    apart: tuple[Incompatibility, ...] = ()
    _learnt: list[Incompatibility] = field(default_factory=list, init=False)
    _unwalkable: set[tuple[int, ...]] = field(default_factory=set, init=False)
    _solved: set[tuple[int, ...]] = field(default_factory=set, init=False)

    def find(self) -> BestSet:
        """Return the best set."""
        found = [self._best(self.choice.within(part)) for part in self._parts]
        chosen = frozenset(number for each in found if each for number in each.numbers)
        bounds = dict[int, int]()
        for level in (level for each in found if each for level in each.levels):
            bounds[level.rank] = bounds.get(level.rank, 0) + level.bound
        return BestSet(
            numbers=tuple(number for number in self.choice.order if number in chosen),
            levels=self.choice.levels(chosen, bounds),
            # A kept fix-up for a pair of tickets makes merges depend on more than the states of a walk.
            is_exact=not self._solved and self.merger.memory.is_empty,
            learnt=tuple(self._learnt),
        )

    def with_ticket(self, number: int, best: BestSet) -> ChosenSet | None:
        """Return the best set of the part of ``number`` that has it, near ``best``; ``None`` where no set has it."""
        [part] = [part for part in self._parts if number in part]
        return self._best(replace(self.choice, before=frozenset(best.numbers)).within(part), with_=number)

    def part_of(self, number: int) -> frozenset[int]:
        """Return the tickets that bear on a ticket, and itself."""
        return frozenset(next(part for part in self._parts if number in part))

    def _best(self, choice: Choice, with_: int | None = None) -> ChosenSet | None:
        """Return the best set of a part, or the best that has the ticket ``with_``."""
        part = tuple(choice.order)
        if not any(each.excludes(frozenset(part)) for each in self.apart) and self._sets.merges(part):
            return ChosenSet(numbers=part, levels=choice.levels(part))
        if part not in self._unwalkable and any(self._shared[number] for number in part):
            walk = StateWalk(
                choice=choice,
                tickets=self._tickets,
                merger=self.merger,
                shared=self._shared,
                apart=self.apart,
                most=_MOST_STATES,
            )
            try:
                return walk.best(with_=with_)
            except TooManyStatesError:
                self._unwalkable.add(part)
        self._solved.add(part)
        return self._solve(choice, with_)

    def _solve(self, choice: Choice, with_: int | None) -> ChosenSet | None:
        """Choose, merge, learn what does not fit, and choose again."""
        rounds = 0
        while chosen := choose(choice, [*self.apart, *self._learnt], with_=with_):
            merged, found = self._sets.within(chosen.numbers)
            if not found:
                return chosen
            self._learnt += found
            rounds += 1
            if rounds == _MOST_ROUNDS:
                bounds = {level.rank: level.bound for level in chosen.levels}
                is_in = with_ is None or with_ in merged
                return ChosenSet(numbers=merged, levels=choice.levels(merged, bounds)) if is_in else None
        return None

    @cached_property
    def _sets(self) -> IncompatibleSets:
        return IncompatibleSets(queue=self.queue, merger=self.merger)

    @cached_property
    def _tickets(self) -> Mapping[int, Ticket]:
        return {ticket.number: ticket for ticket in self.queue.tickets}

    @cached_property
    def _shared(self) -> Mapping[int, Commits]:
        return shared_commits(self.merger, [self._tickets[number] for number in self.choice.order])

    @cached_property
    def _parts(self) -> tuple[tuple[int, ...], ...]:
        order = self.choice.order
        groups = [frozenset([number]) | self.choice.company(number) for number in order]
        groups += [each.tickets for each in self.apart]
        parts = split_parts(order, self._shared, groups)
        return parts if len(parts) == 1 else split_parts(order, {n: self._keys(n) for n in order}, groups)

    def _keys(self, number: int) -> frozenset[str]:
        """What a ticket has in common with each ticket that bears on it: the files that it changes, and commits."""
        merged = self.merger.merge(self.merger.base, self._tickets[number])
        paths = footprint_of(self.merger, merged.tree).keys if merged.tree else frozenset[str]()
        return self._shared[number] | paths
