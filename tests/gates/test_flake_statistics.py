"""The interval of a rate, and how many runs show it."""

from __future__ import annotations

from math import comb

import pytest

from sessions.gates.flake_statistics import is_by_chance, rate_interval, rate_where_mixed, runs_to_see
from sessions.gates.run_history import RunCounts


@pytest.mark.parametrize(
    ("fails", "runs", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),  # 1 - 0.025 ** (1 / 10)
        (1, 10, 0.0025286, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (10, 10, 0.6915029, 1.0),
        (1, 1, 0.025, 1.0),
    ],
)
def test_the_limits_are_those_of_clopper_and_pearson(fails: int, runs: int, low: float, high: float) -> None:
    assert rate_interval(fails, runs) == pytest.approx((low, high), abs=1e-7)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("runs", [5, 60])
def test_every_rate_is_covered_in_95_percent(rate: float, runs: int) -> None:
    covered = 0.0
    for fails in range(runs + 1):
        low, high = rate_interval(fails, runs)
        covered += comb(runs, fails) * rate**fails * (1 - rate) ** (runs - fails) * (low <= rate <= high)
    assert covered >= 0.95


@pytest.mark.parametrize(("rate", "runs"), [(0.001, 2995), (0.05, 59), (0.5, 5), (0.95, 1), (1.0, 1)])
def test_so_many_runs_show_a_failure(rate: float, runs: int) -> None:
    assert runs_to_see(rate) == runs
    assert 1 - (1 - rate) ** runs >= 0.95 > 1 - (1 - rate) ** (runs - 1)


def test_only_trees_with_both_give_the_rate_of_chance() -> None:
    trees = [RunCounts(fails=1, passes=3), RunCounts(fails=9), RunCounts(passes=50), RunCounts(fails=1, passes=1)]
    assert rate_where_mixed(trees) == pytest.approx(2 / 6)
    assert rate_where_mixed([RunCounts(fails=9), RunCounts(passes=50)]) == 0


def test_many_failures_in_a_row_are_not_chance() -> None:
    assert is_by_chance(RunCounts(fails=4), 1 / 3)
    assert not is_by_chance(RunCounts(fails=5), 1 / 3)
    assert is_by_chance(RunCounts(fails=50, passes=1), 1 / 3)
