from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.culprits.findings import Query
from sessions.culprits.tally import SubsetRuns, Tally, total
from sessions.gates.run_history import RunCounts, RunHistory

if TYPE_CHECKING:
    from sessions.culprits.findings import Answer

LINE = (1, 2, 3, 4)


def tally(answers: dict[tuple[int, ...], list[Answer]], history: RunHistory | None = None) -> Tally:
    found = Tally(line=LINE, history=history or RunHistory())
    for tickets, given in answers.items():
        first = 2 if tickets in ((), LINE) else 1  # the search begins with a run of the line and one of the release
        found.record({Query(tickets=frozenset(tickets), attempt=at): each for at, each in enumerate(given, first)})
    return found


def test_it_begins_with_a_failing_line_and_a_passing_release() -> None:
    begun = tally({})
    assert (begun.majority(frozenset(LINE)), begun.majority(frozenset())) == ("fails", "passes")
    assert begun.majority(frozenset([1])) is None
    assert begun.runs(frozenset([1])) == 0


@pytest.mark.parametrize(
    ("answers", "majority"),
    [
        (["fails"], "fails"),
        (["not run"], "passes"),
        (["unclear"], "unclear"),
        (["unclear", "passes"], "passes"),
        (["fails", "passes"], "passes"),
        (["fails", "passes", "fails"], "fails"),
    ],
)
def test_the_majority_of_the_runs_counts_and_a_test_that_does_not_exist_passes(
    answers: list[Answer], majority: str
) -> None:
    assert tally({(1, 2): answers}).majority(frozenset([1, 2])) == majority


def test_an_unsteady_test_needs_a_lead_of_two_runs() -> None:
    subset = frozenset([1])
    assert tally({(1,): ["fails"]}).settled(subset) == "fails"
    flaky_before = RunHistory(runs=10, odd=1)
    assert tally({(1,): ["fails"]}, flaky_before).settled(subset) is None
    assert tally({(1,): ["fails", "fails"]}, flaky_before).settled(subset) == "fails"
    assert tally({(1,): ["fails", "passes"]}).settled(subset) is None
    assert tally({(1,): ["fails", "passes"] * 4}).settled(subset) == "passes"  # after eight runs, the majority


def test_supersets_of_failing_and_subsets_of_passing_subsets_follow() -> None:
    known = tally({(1, 2): ["passes"], (2, 3): ["fails"]})
    assert known.implied(frozenset([1])) == "passes"
    assert known.implied(frozenset([2, 3, 4])) == "fails"
    assert known.implied(frozenset([3])) is None
    contradictory = tally({(1, 2): ["fails"], (1, 2, 3): ["passes"]})
    assert contradictory.implied(frozenset([1, 2, 4])) == "fails"
    assert contradictory.implied(frozenset([1, 3])) == "passes"


def test_next_runs_continue_the_count_and_no_query_is_asked_twice() -> None:
    known = tally({(1,): ["fails", "unclear"]})
    more = tuple(known.next_runs(frozenset([1]), 2))
    assert [query.attempt for query in more] == [3, 4]
    assert known.unanswered([*more, *more, Query(tickets=frozenset([1]))]) == more


def test_counts_by_subset_leave_unclear_runs_out() -> None:
    known = tally({(1,): ["fails", "passes", "unclear"], (2,): ["unclear"]})
    mixed = SubsetRuns(subset=frozenset([1]), counts=RunCounts(fails=1, passes=1))
    assert known.by_subset()[2:] == [mixed]
    assert known.is_mixed
    assert total(known.by_subset()) == RunCounts(fails=2, passes=2)
