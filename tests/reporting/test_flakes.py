"""Simulated days: rates are within their limits, origins are right, and no steady test is on the list.

The whole simulation is for a desk: ``INTEGRAND_FLAKES=1000`` for a thousand flaky tests over 60 days.
"""

from __future__ import annotations

import os
from math import sqrt
from pathlib import Path

import pytest

from sessions.gates.results import Failure, Results, TestId
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.reporting.flakes import FlakeFile, find_flakes
from sessions.terminal.errors import InfrastructureError
from tests.reporting.flake_simulation import SimulatedTest, Simulation

FLAKES = int(os.environ.get("INTEGRAND_FLAKES", "60"))
TEST = TestId("tests/test_a.py", "works")


def is_right(flake: FlakeFile, test: SimulatedTest) -> bool:
    best = flake.origin.best
    return best.ticket == test.origin if test.origin else best.is_start


@pytest.mark.timeout(3600)
def test_simulated_flakes_are_described_rightly(tmp_path: Path) -> None:
    days = 60 if FLAKES > 100 else 40
    simulation = Simulation(seed=3, tests=3 * FLAKES, days=days, folder=tmp_path)
    simulation.run()
    flakes, truth = find_flakes(tmp_path / "ledger.sqlite", simulation.records), simulation.flaky
    assert {each.test for each in flakes} <= {*truth}, "a steady test is on the list"
    frequent = {test for test, each in truth.items() if each.rate > 0.1 and not each.origin}
    # A release on which it failed once, and was not run again, hides one for days: it is known there.
    assert len(frequent - {each.test for each in flakes}) <= 0.02 * len(frequent)

    covered = [each.low <= truth[each.test].rate <= each.high for each in flakes]
    known = [each for each in flakes if each.origin.is_known]
    right = [is_right(each, truth[each.test]) for each in known]
    suspected = [truth[each.test].origin in {one.ticket for one in each.origin.suspects} for each in flakes]
    print(f"{len(flakes)} of {len(truth)} listed, {sum(covered)} covered, {len(known)} known, {sum(right)} right")
    # Of few, so many more may miss by chance: 1.64 standard deviations.
    tolerance = 0.0 if FLAKES >= 1000 else 1.64 * sqrt(0.95 * 0.05 * len(flakes))
    assert sum(covered) >= 0.95 * len(flakes) - tolerance
    assert sum(right) >= 0.95 * len(known)
    assert len(known) >= len(flakes) / 5
    assert any(suspected)


def write(ledger: Ledger, tree: str, *, fails: bool, tests: str = "*", attempt: int = 1) -> None:
    failures = (Failure(test=TEST, message="E  boom"),) if fails else ()
    results = Results(gate="g", failures=failures, passed=() if fails else (TEST,))
    key = Key(tree=tree, image="i", gate="g@0", tests=tests, attempt=attempt)
    ledger.write(key, ProbeResult(built=True, results=results, seconds=1, log="logs/a.log"))


def test_a_ledger_without_records_still_has_rates(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for attempt in range(1, 11):
        write(ledger, "a" * 40, fails=attempt == 4, attempt=attempt)
    write(ledger, "b" * 40, fails=True)
    write(ledger, "c" * 40, fails=True, tests="shard 1/2\ntests/test_a.py")
    ledger.close()
    (flake,) = find_flakes(tmp_path / "ledger.sqlite", [])
    assert (flake.fails, flake.runs, flake.rate) == (2, 12 - 1, 2 / 11)
    assert (flake.origin.is_known, flake.first_failed, flake.last_failed, flake.message) == (False, "", "", "E  boom")
    assert len(flake.seeds) == 2


def test_a_test_that_differs_only_between_trees_is_not_flaky(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for attempt in (1, 2, 3):
        write(ledger, "a" * 40, fails=True, attempt=attempt)
        write(ledger, "b" * 40, fails=False, attempt=attempt)
    ledger.close()
    assert find_flakes(tmp_path / "ledger.sqlite", []) == []


def test_a_damaged_ledger_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database, but more than enough text to be one" * 50)
    with pytest.raises(InfrastructureError, match="cannot be read"):
        find_flakes(tmp_path / "ledger.sqlite", [])
