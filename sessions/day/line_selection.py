"""Merges the line of a queue as ``[tickets] select`` says: each ticket that fits, or the best set of tickets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sessions.day.context import Day
from sessions.day.fixes import fix_tickets, rank_name
from sessions.day.hinted import NO_HINTS, DayHints
from sessions.day.previous_set import previous_tickets
from sessions.day.progress import Apart
from sessions.source.diffs import Diff, read_diffs
from sessions.source.line import Line, Queue, find_mergeable, merge_line
from sessions.tickets.model import Alternative, Decision, Verdict

if TYPE_CHECKING:
    from sessions.planning.best_line import BestLine, BestSet

_EXPLAINED = (Verdict.CONFLICT, Verdict.BLOCKED, Verdict.CULPRIT, Verdict.FLAKY)


@dataclass(kw_only=True)
class LineSelection:
    """Merges lines of a queue. ``best`` is the set of the newest line, where the best set is chosen.

    Each method raises :class:`SourceError` where git itself failed, and :class:`UsageError` where the solver is needed
    and not installed.
    """

    day: Day
    queue: Queue
    hints: DayHints = NO_HINTS
    best: BestSet | None = None
    _search: BestLine | None = field(default=None, init=False)

    def read_diffs(self) -> dict[int, Diff]:
        """Return the diff of each ticket of the queue against the release, by number."""
        commits = {ticket.number: ticket.commit for ticket in self.queue.tickets}
        return read_diffs(self.day.mirror.repository, self.day.base.commit, commits)

    def merge(self, out: Mapping[int, Decision], apart: Sequence[Apart] = ()) -> Line:
        """Merge the queue without the tickets in ``out``, and without all of a set in ``apart`` together."""
        if self.day.config.select == "first":
            return self._name_fixes(merge_line(self.queue, self.day.merger, out))
        numbers = find_mergeable(self.queue, self.day.merger, out)
        self._search = self._best_line(numbers, apart)
        self.best = self._search.find()
        left = frozenset(numbers) - frozenset(self.best.numbers)
        tickets = sorted(self.queue.tickets, key=lambda ticket: ticket.number in left)
        parted = _parted([ticket.number for ticket in tickets if ticket.number not in out], left, apart)
        line = merge_line(replace(self.queue, tickets=tuple(tickets)), self.day.merger, {**parted, **out})
        return self._name_fixes(line)

    def _name_fixes(self, line: Line) -> Line:
        """Say of each ticket that is merged before the baseline is measured that it is."""
        decisions = dict(line.decisions)
        for ticket in fix_tickets(line, self.queue.needs, self.day.config):
            usual = decisions[ticket.number]
            reason = "; ".join(filter(None, ["the baseline is measured with it", usual.reason]))
            decisions[ticket.number] = replace(usual, reason=reason)
        return replace(line, decisions=decisions)

    def explain(self, line: Line) -> Line:
        """Add to each ticket that could be in a line, and is not in this one, the best set that has it."""
        if self._search is None or self.best is None:
            return line
        decisions = dict(line.decisions)
        for number in self._search.choice.order:
            if decisions[number].verdict in _EXPLAINED:
                decisions[number] = _explained(decisions[number], self._alternative(self._search, self.best, number))
        return replace(line, decisions=decisions)

    def _best_line(self, numbers: Sequence[int], apart: Sequence[Apart]) -> BestLine:
        # Few projects choose the best set: the others do not wait for these modules.
        from sessions.planning.best_line import BestLine
        from sessions.planning.best_set import Choice, Incompatibility

        tickets = {ticket.number: ticket for ticket in self.queue.tickets}
        choice = Choice(
            order=numbers,
            rank={number: self.hints.rank(tickets[number], self.day.config) for number in numbers},
            needs=self.queue.needs,
            together={number: frozenset(tickets[number].together) for number in numbers},
            before=previous_tickets(self.day.home, self.day.options.date.isoformat()),
        )
        incompatible = tuple(Incompatibility(tickets=each.tickets) for each in apart)
        return BestLine(choice=choice, queue=self.queue, merger=self.day.merger, apart=incompatible)

    @staticmethod
    def _alternative(search: BestLine, best: BestSet, number: int) -> Alternative | None:
        found = search.with_ticket(number, best)
        if found is None:
            return None
        usual = frozenset(best.numbers) & search.part_of(number)
        order = search.choice.order
        return Alternative(
            without=tuple(each for each in order if each in usual and each not in found.numbers),
            besides=tuple(each for each in found.numbers if each not in usual and each != number),
        )


def _parted(numbers: Iterable[int], left: frozenset[int], apart: Sequence[Apart]) -> dict[int, Decision]:
    """Return the decisions on tickets that would complete a set in ``apart``; those in ``left`` give way."""
    decisions, line = dict[int, Decision](), set[int]()
    for number in numbers:
        sets = [each for each in apart if number in each.tickets and each.tickets <= line | {number}]
        if sets and number in left:
            decisions[number] = sets[0].decisions[number]
        else:
            line.add(number)
    return decisions


def _explained(decision: Decision, alternative: Alternative | None) -> Decision:
    clause = alternative or "no set of these tickets has it"
    return replace(decision, alternative=alternative, reason=f"{decision.reason}; {clause}")


def describe_best(best: BestSet, ready: int, priorities: Sequence[str]) -> str:
    """Return a clause that says how good the best set is, and how that is known."""
    counts = [f"{level.count} {rank_name(level.rank, priorities) or 'without priority'}" for level in best.levels]
    counts = counts if len(counts) > 1 else []
    total = f"{len(best.numbers)} of {ready}" + (f" ({', '.join(counts)})" if counts else "")
    if not best.is_proven:
        return f"the best set found has {total}; no set has more than {sum(each.bound for each in best.levels)}"
    how = "as merges show" if best.is_exact else "if what conflicts also conflicts in a larger set"
    return f"the best set has {total}: none is better, {how}"
