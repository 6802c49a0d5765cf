"""Any moment may be the last."""

from __future__ import annotations

import signal

import pytest

from tests.stories.desk import Done, new_desk, timeless, undisturbed_day

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return undisturbed_day(tmp_path_factory)


def test_killed_at_every_ledger_write_before_and_after_the_day_ends_the_same(
    done: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk, kills = new_desk(tmp_path_factory), 0
    while True:
        ended = [desk.type("integrate", "--engine", "local", die=moment).returncode for moment in ("before", "after")]
        if ended == [0, 0]:
            break
        assert ended == [-signal.SIGKILL, -signal.SIGKILL]
        kills += 1
    assert kills == len(done.record["probes"])  # each probe was written once, and none is missing
    assert timeless(desk.record()) == timeless(done.record)
