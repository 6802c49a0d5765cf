from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.day.forecast import Forecast, GateHistory, foresee, say_forecast

GATE = GateHistory(whole=600.0, part=30.0, to_run=2)


def test_a_day_on_which_nothing_is_left_to_run_costs_nothing() -> None:
    known = GateHistory(whole=600.0, part=30.0, to_run=0)
    assert foresee(20, [known], [3]) == Forecast(probes=0, seconds=0.0)
    assert say_forecast(Forecast(probes=0, seconds=0.0), 2, 1, None) == "everything is known already"


def test_without_culprits_only_the_gates_run() -> None:
    assert foresee(20, [GATE], [0, 0]) == Forecast(probes=2, seconds=1200.0)


def test_a_culprit_costs_a_round_of_subsets_its_proof_and_the_last_run() -> None:
    # 2 whole runs, 5 subsets of 20 tickets, 3 looks, 4 proofs, 1 last run.
    assert foresee(20, [GATE], [1]) == Forecast(probes=15, seconds=3 * 600.0 + 12 * 30.0)


def test_how_long_is_not_said_where_nothing_has_run_yet() -> None:
    unknown = GateHistory(whole=None, part=None, to_run=2)
    said = say_forecast(foresee(20, [unknown], []), 2, 0, 60.0)
    assert said == "about 15 probes; how long they take is not known yet"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (None, ""),
        (3600.0, "; the budget of 1h00m holds it"),
        (300.0, "; the budget of 5m00s does not hold all: release and head come first, and the next call goes on"),
    ],
)
def test_the_budget_is_weighed_against_what_runs_at_once(budget: float | None, said: str) -> None:
    told = say_forecast(foresee(20, [GATE], [0]), 2, 1, budget)
    assert told == f"about 2 probes, 10m00s or more (from 1 earlier day){said}"


@given(st.integers(1, 500), st.lists(st.integers(0, 9), max_size=5), st.integers(0, 2), st.floats(0.1, 1e5))
def test_more_culprits_never_cost_less(tickets: int, culprits: list[int], to_run: int, whole: float) -> None:
    gate = GateHistory(whole=whole, part=whole / 9, to_run=to_run)
    fewer, more = foresee(tickets, [gate], [*culprits, 0]), foresee(tickets, [gate], [*culprits, 9])
    assert fewer.probes <= more.probes
    assert (fewer.seconds or 0.0) <= (more.seconds or 0.0)
