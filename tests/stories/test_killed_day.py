"""Killed at writes to the ledger. test_kill_campaign.py kills at any moment, and publishes.

At a desk, or with INTEGRAND_KILLS set, a session is killed before and after each write; in CI after some writes, and
before some, which a seeded choice spreads over the day.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.stories.desk import Done, new_desk, shared_day, timeless

pytestmark = pytest.mark.slow
IN_PART = os.environ.get("CI") == "true" and "INTEGRAND_KILLS" not in os.environ
# How many results a session writes before it is killed, and the share of sessions that are killed before a write, too.
WRITES = (1, 4, 8, 12) if IN_PART else (1,)
BEFORE = 0.25 if IN_PART else 1.0


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory)


def test_killed_at_every_ledger_write_before_and_after_the_day_ends_the_same(
    done: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk, chance, written = new_desk(tmp_path_factory), random.Random(15), 0  # noqa: S311  moments, no secrets
    while True:
        moments = ("before 1",) if chance.random() < BEFORE else ()
        number = chance.choice(WRITES)
        ended = [
            desk.type("integrate", "--engine", "local", die=die).returncode for die in (*moments, f"after {number}")
        ]
        if ended[-1] == 0:
            break
        assert set(ended) == {-signal.SIGKILL}
        written += number
    record = desk.record()
    # Each probe was written once, and none is missing.
    assert written + record["timings"]["probes_run"] == len(done.record["probes"])
    assert timeless(record) == timeless(done.record)
