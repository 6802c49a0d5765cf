"""The best set of tickets of which branches carry each other's commits, by walking through all that the line can be.

Where branches carry commits of others, what conflicts with what depends on all that is in the line, and a third ticket
often lets two merge that conflict. But then lines of different tickets soon have the same content. Two lines with the
same tree and the same commits that other tickets carry take the same tickets from there on, and in the same way; of
such lines only the best is continued. That is exact: a merge depends on nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sessions.planning.best_set import Choice, ChosenSet, Incompatibility
from sessions.source.merging import Candidate, Merger
from sessions.tickets.model import Ticket

# How many lines are continued to find a good set, before all that can be better are.
_BEAM = 20

Commits = frozenset[str]
# A tree, the commits that others carry, and the tickets that later ones depend on.
_State = tuple[str, Commits, frozenset[int]]


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line in some state: its head, and its value, which is larger for the better set."""

    head: Candidate
    value: tuple[int, ...]


def shared_commits(merger: Merger, tickets: Iterable[Ticket]) -> dict[int, Commits]:
    """Return the commits since the base that each ticket's branch has in common with another's.

    Raises :class:`SourceError` where git itself failed.
    """
    arguments = ("rev-list", f"^{merger.base.commit}")
    own = {each.number: frozenset(merger.repository.git(*arguments, each.commit).text.split()) for each in tickets}
    times = Counter(commit for commits in own.values() for commit in commits)
    return {number: frozenset(each for each in commits if times[each] > 1) for number, commits in own.items()}


@dataclass(frozen=True, kw_only=True)
class StateWalk:
    """Walks through the states of a line. ``most`` is how many there may be after any ticket.

    ``apart`` are sets of tickets that must not be in one line, though they merge.
    """

    choice: Choice
    tickets: Mapping[int, Ticket]
    merger: Merger
    shared: Mapping[int, Commits]
    apart: Sequence[Incompatibility]
    most: int

    def best(self, *, with_: int | None = None) -> ChosenSet | None:
        """Return the best set; of those with the ticket ``with_``, if one is given.

        ``None`` where no set has that ticket. Raises :class:`TooManyStatesError`, and :class:`SourceError` where git
        itself failed.
        """
        good = self._walk(with_, beam=_BEAM)
        best = self._walk(with_, at_least=good.value if good else ())
        if best is None:
            return None
        return ChosenSet(numbers=best.head.tickets, levels=self.choice.levels(best.head.tickets))

    def _walk(self, with_: int | None, *, at_least: tuple[int, ...] = (), beam: int = 0) -> _Line | None:
        """Return the best line. Those that cannot become as good as ``at_least`` are dropped.

        With a ``beam``, only so many of the best are continued after each ticket: that is quick, and not exact.
        """
        gains = self._gains
        nothing = (0,) * len(gains[0])
        start: _State = (self.merger.base.tree, frozenset(), frozenset())
        lines = {start: _Line(head=self.merger.base, value=nothing)}
        for place, number in enumerate(self.choice.order):
            rest = _total(gains[place + 1 :], nothing)
            relevant = self._relevant(place)
            following = dict[_State, _Line]()
            for (tree, commits, inside), line in lines.items():
                if number != with_ and not self._awaited(number) & inside:
                    _keep(following, (tree, commits, inside & relevant), line)
                if (merged := self._merged(line, number, inside)) is not None:
                    state = (merged.tree, commits | self.shared[number], (inside | {number}) & relevant)
                    _keep(following, state, _Line(head=merged, value=_total([line.value, gains[place]], nothing)))
            lines = {
                state: line for state, line in following.items() if _total([line.value, rest], nothing) >= at_least
            }
            if beam:
                lines = dict(sorted(lines.items(), key=lambda each: each[1].value, reverse=True)[:beam])
            elif len(lines) > self.most:
                raise TooManyStatesError
        return max(lines.values(), key=lambda line: line.value, default=None)

    def _merged(self, line: _Line, number: int, inside: frozenset[int]) -> Candidate | None:
        needed = self._needed(number)
        longer = inside | {number}
        if not needed <= inside or any(number in each.tickets and each.excludes(longer) for each in self.apart):
            return None
        merged = self.merger.merge(line.head, self.tickets[number])
        return merged if isinstance(merged, Candidate) else None

    def _needed(self, number: int) -> frozenset[int]:
        """The tickets that must be in the line before a ticket can be."""
        earlier = frozenset(self.choice.order[: self.choice.order.index(number)])
        needs = self.choice.needs.get(number, frozenset()) & frozenset(self.choice.order)
        return needs | self.choice.together.get(number, frozenset()) & earlier

    def _awaited(self, number: int) -> frozenset[int]:
        """The tickets that are only merged together with a ticket; the earlier ones of them cannot go on without it."""
        return frozenset(other for other, mates in self.choice.together.items() if number in mates)

    @property
    def _gains(self) -> list[tuple[int, ...]]:
        """What each ticket adds to a line's value: its priority, whether it was in the day before, and its place."""
        order, rank = self.choice.order, self.choice.rank
        ranks = sorted(set(rank.values()))
        return [
            (
                *(int(rank[number] == each) for each in ranks),
                int(number in self.choice.before),
                1 << (len(order) - place),
            )
            for place, number in enumerate(order)
        ]

    def _relevant(self, place: int) -> frozenset[int]:
        """The tickets of which a ticket after ``place`` must know whether they are in the line."""
        later = frozenset(self.choice.order[place + 1 :])
        needed = frozenset[int]().union(*(self._needed(number) | self._awaited(number) for number in later))
        apart = frozenset[int]().union(*(each.tickets for each in self.apart if each.tickets & later))
        return needed | apart


class TooManyStatesError(Exception):
    """The line can be in more states than may be tried."""


def _total(values: Iterable[tuple[int, ...]], nothing: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(map(sum, zip(nothing, *values, strict=True)))


def _keep(lines: dict[_State, _Line], state: _State, line: _Line) -> None:
    if state not in lines or lines[state].value < line.value:
        lines[state] = line
