from __future__ import annotations

from math import comb, exp, inf, log

import pytest

from sessions.culprits.evidence import is_new, log_flaky, log_made_flaky, log_steady, log_sum
from sessions.gates.run_history import RunCounts, RunHistory

NEW, STEADY, FLAKY = RunHistory(), RunHistory(runs=100), RunHistory(runs=40, odd=10)


def test_the_likelihoods_of_all_possible_runs_add_up_to_one() -> None:
    splits = [(fails, 6 - fails) for fails in range(7)]
    for logs in (
        [log_steady(fails, passes, NEW) for fails, passes in splits],
        [log_steady(fails, passes, FLAKY) for fails, passes in splits],
        [log_flaky(fails, passes, NEW) for fails, passes in splits],
        [log_made_flaky(fails, passes) for fails, passes in splits],
    ):
        total = sum(comb(6, fails) * exp(each) for (fails, _), each in zip(splits, logs, strict=True))
        assert total == pytest.approx(1)


def test_one_run_of_a_steady_test_errs_in_one_of_twenty_cases() -> None:
    assert exp(log_steady(1, 0, NEW)) == pytest.approx(1 / 20)
    assert exp(log_flaky(1, 0, NEW)) == pytest.approx(1 / 2)


def test_a_history_of_steady_runs_makes_a_flaky_test_unlikely_and_one_of_odd_runs_likely() -> None:
    assert log_flaky(2, 1, STEADY) < log_flaky(2, 1, NEW)
    assert log_steady(1, 3, FLAKY) > log_steady(1, 3, NEW)


def counts(fails: int, passes: int) -> RunCounts:
    return RunCounts(fails=fails, passes=passes)


@pytest.mark.parametrize(
    ("head", "release", "history", "expected"),
    [
        (counts(2, 0), counts(0, 2), NEW, True),
        (counts(1, 1), counts(0, 2), NEW, None),
        (counts(1, 9), counts(0, 10), NEW, False),
        (counts(9, 1), counts(0, 10), NEW, True),
        (counts(2, 0), counts(1, 1), NEW, None),
        (counts(5, 5), counts(5, 5), FLAKY, False),
        (counts(5, 0), counts(5, 1), STEADY, False),
    ],
)
def test_a_failure_is_new_where_it_fails_on_the_head_and_passes_on_the_release(
    head: RunCounts, release: RunCounts, history: RunHistory, expected: bool | None
) -> None:
    assert is_new(head, release, history) is expected


def test_the_sum_of_logarithms() -> None:
    assert log_sum([log(2), log(3)]) == pytest.approx(log(5))
    assert log_sum([]) == -inf
    assert log_sum([-inf, log(2)]) == pytest.approx(log(2))
