"""Count the runs of a test so far, subset by subset. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sessions.culprits.findings import Answer, Query, SearchAnswer, Subset, search_answer
from sessions.gates.run_history import RunCounts, RunHistory

Batch = tuple[Query, ...]
# A subset whose answers keep differing is not run more often than this to find its majority answer.
SETTLED_RUNS = 8


@dataclass(frozen=True, kw_only=True)
class SubsetRuns:
    """How often the test failed and passed on one subset; unclear runs are not counted."""

    subset: Subset
    counts: RunCounts


@dataclass(kw_only=True)
class Tally:
    """All answers about one test on the subsets of ``line``, the merge line in its order.

    The search begins because the whole line fails and the release passes: these two answers are there from the start.
    """

    line: Sequence[int]
    history: RunHistory
    whole: Subset = field(init=False)
    answers: dict[Query, SearchAnswer] = field(init=False)

    def __post_init__(self) -> None:
        self.whole = frozenset(self.line)
        self.answers = {Query(tickets=self.whole): "fails", Query(tickets=frozenset()): "passes"}

    def unanswered(self, queries: Iterable[Query]) -> Batch:
        """Return the queries that have no answer yet, each once."""
        return tuple(query for query in dict.fromkeys(queries) if query not in self.answers)

    def record(self, answers: Mapping[Query, Answer]) -> None:
        """Keep the answers."""
        self.answers |= {query: search_answer(answer) for query, answer in answers.items()}

    def runs(self, subset: Subset) -> int:
        """Count the runs of a subset, including the unclear ones."""
        return next(n for n in range(len(self.answers) + 1) if Query(tickets=subset, attempt=n + 1) not in self.answers)

    def next_runs(self, subset: Subset, count: int) -> Iterator[Query]:
        """Return the queries for the next ``count`` runs of a subset."""
        done = self.runs(subset)
        return (Query(tickets=subset, attempt=done + 1 + more) for more in range(count))

    def count(self, subset: Subset, answer: SearchAnswer) -> int:
        """Count the runs of a subset that gave this answer."""
        runs = range(1, self.runs(subset) + 1)
        return sum(self.answers[Query(tickets=subset, attempt=attempt)] == answer for attempt in runs)

    def majority(self, subset: Subset) -> SearchAnswer | None:
        """Return the majority answer over all runs of a subset, or ``None`` if it never ran."""
        fails, passes = self.count(subset, "fails"), self.count(subset, "passes")
        if fails or passes:
            return "fails" if fails > passes else "passes"
        return "unclear" if self.count(subset, "unclear") else None

    def settled(self, subset: Subset) -> SearchAnswer | None:
        """Return the majority answer, or ``None`` if the subset must run again.

        A test that is not steady needs a majority of two runs.
        """
        answer, lead = self.majority(subset), abs(self.count(subset, "fails") - self.count(subset, "passes"))
        is_start = subset in (self.whole, frozenset())
        is_open = answer in ("fails", "passes") and self.is_unsteady and lead < 2 and not is_start
        return None if is_open and self.runs(subset) < SETTLED_RUNS else answer

    def implied(self, subset: Subset) -> SearchAnswer | None:
        """Return the settled answer, or the one that other subsets imply if no ticket repairs what another one breaks.

        Then a superset of a failing subset fails, and a subset of a passing one passes.
        """
        if answer := self.settled(subset):
            return answer
        others = {query.tickets: self.settled(query.tickets) for query in self.answers}
        fails = any(answer == "fails" and other <= subset for other, answer in others.items())
        passes = any(answer == "passes" and other >= subset for other, answer in others.items())
        return None if fails == passes else "fails" if fails else "passes"

    def by_subset(self) -> list[SubsetRuns]:
        """Return the counts of all subsets that failed or passed."""
        counts = Counter((query.tickets, answer) for query, answer in self.answers.items())
        subsets = dict.fromkeys(subset for subset, answer in counts if answer != "unclear")
        return [
            SubsetRuns(subset=subset, counts=RunCounts(fails=counts[subset, "fails"], passes=counts[subset, "passes"]))
            for subset in subsets
        ]

    @property
    def is_mixed(self) -> bool:
        """Whether some subset both failed and passed in this search."""
        return any(each.counts.minority for each in self.by_subset())

    @property
    def is_unsteady(self) -> bool:
        """Whether the test is known to do different things on the same tickets, now or in the ledger."""
        return bool(self.history.odd) or self.is_mixed


def total(runs: Iterable[SubsetRuns]) -> RunCounts:
    """Add up the counts of several subsets."""
    return sum((each.counts for each in runs), RunCounts())
