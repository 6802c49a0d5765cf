from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.day.forecast import Durations, Forecast, GateHistory, foresee, say_forecast

GATE = GateHistory(whole=600.0, part=30.0, to_run=2)


def test_a_day_on_which_nothing_is_left_to_run_costs_nothing() -> None:
    known = GateHistory(whole=600.0, part=30.0, to_run=0)
    assert foresee(20, [known], [3]) == Forecast(probes=0, seconds=0.0)
    assert say_forecast(Forecast(probes=0, seconds=0.0), 1, None) == "everything is known already"


def test_without_culprits_only_the_gates_run() -> None:
    assert foresee(20, [GATE], [0, 0]) == Forecast(probes=2, seconds=1200.0)


def test_a_culprit_costs_a_round_of_subsets_its_proof_and_the_last_run() -> None:
    # 2 whole runs, 5 subsets of 20 tickets, 3 looks, 2 proofs, 1 last run.
    assert foresee(20, [GATE], [1]) == Forecast(probes=13, seconds=3 * 600.0 + 10 * 30.0)


def test_tests_that_ran_seldom_take_more_runs_to_judge() -> None:
    assert foresee(20, [replace(GATE, runs=0)], [1]).probes == 20


def test_runs_of_the_head_and_steps_of_a_search_come_one_after_the_other() -> None:
    assert foresee(20, [GATE], [1], 100).seconds == pytest.approx(3 * 600.0 + 4 * 30.0)


def test_a_middling_day_is_foreseen() -> None:
    assert foresee(20, [GATE], [0, 0, 9]) == foresee(20, [GATE], [0])


def test_what_a_few_files_take_is_not_what_a_shard_or_the_worst_run_takes() -> None:
    runs = Durations(
        [("*", 600.0), ("*", 900.0), ("a.py", 20.0), ("b.py", 30.0), ("b.py", 50.0), ("shard 1/2\na.py", 400.0)]
    )
    assert (runs.longest("*"), runs.typical("*"), runs.wholes) == (900.0, 750.0, 2)
    assert (runs.longest("b.py"), runs.typical("b.py")) == (50.0, 40.0)
    assert (runs.longest("c.py"), runs.typical("c.py")) == (400.0, 30.0)
    assert Durations([]).typical("*") is None


def test_how_long_is_not_said_where_nothing_has_run_yet() -> None:
    unknown = GateHistory(whole=None, part=None, to_run=2)
    said = say_forecast(foresee(20, [unknown], []), 0, 60.0)
    assert said == "about 13 probes; how long they take is not known yet"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (None, ""),
        (3600.0, "; the budget of 1h00m holds it"),
        (300.0, "; the budget of 5m00s does not hold all: release and head come first, and the next call goes on"),
    ],
)
def test_the_budget_is_weighed_against_what_runs_at_once(budget: float | None, said: str) -> None:
    told = say_forecast(foresee(20, [GATE], [0], 2), 1, budget)
    assert told == f"about 2 probes, 20m00s or more (from 1 earlier day){said}"


@given(st.integers(1, 500), st.lists(st.integers(0, 9), max_size=5), st.integers(0, 2), st.floats(0.1, 1e5))
def test_more_culprits_never_cost_less(tickets: int, culprits: list[int], to_run: int, whole: float) -> None:
    gate = GateHistory(whole=whole, part=whole / 9, to_run=to_run)
    fewer, more = foresee(tickets, [gate], [*culprits, 0]), foresee(tickets, [gate], [*culprits, 9])
    assert fewer.probes <= more.probes
    assert (fewer.seconds or 0.0) <= (more.seconds or 0.0)
