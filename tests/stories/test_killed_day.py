"""Killed at each write to the ledger. test_kill_campaign.py kills at any moment, and publishes."""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.stories.desk import Done, new_desk, shared_day, timeless

pytestmark = pytest.mark.slow
# The share of ledger writes before which a session is killed, too: all of them at a desk, or with INTEGRAND_KILLS set.
BEFORE = 0.25 if os.environ.get("CI") == "true" and "INTEGRAND_KILLS" not in os.environ else 1.0


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory)


def test_killed_at_every_ledger_write_before_and_after_the_day_ends_the_same(
    done: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk, chance, kills = new_desk(tmp_path_factory), random.Random(15), 0  # noqa: S311  moments, no secrets
    while True:
        moments = ("before", "after") if chance.random() < BEFORE else ("after",)
        ended = {desk.type("integrate", "--engine", "local", die=moment).returncode for moment in moments}
        if ended == {0}:
            break
        assert ended == {-signal.SIGKILL}
        kills += 1
    assert kills == len(done.record["probes"])  # each probe was written once, and none is missing
    assert timeless(desk.record()) == timeless(done.record)
