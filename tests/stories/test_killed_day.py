"""Any moment may be the last."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.repositories import run_git
from tests.stories.desk import DATE, DAY, Done, new_desk, shared_day, timeless

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("INTEGRAND_KILLS", "6"))  # more of them at a desk
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


def test_killed_at_any_moment_of_publishing_nothing_is_lost_or_doubled(
    done: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk, chance, killed = new_desk(tmp_path_factory), random.Random(14), 0  # noqa: S311  moments, no secrets
    shutil.copytree(done.desk.folder, desk.folder, symlinks=True, dirs_exist_ok=True)
    assert desk.type("integrate", "--engine", "local", "--pack").returncode == 0  # its sample is another project
    branch = f"refs/heads/{done.record['branch']}"
    for _ in range(KILLS):
        words = [sys.executable, str(DAY), "publish", "--date", DATE, "--publish"]
        process = subprocess.Popen(words, cwd=desk.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 2.5))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed
    ended = desk.type("publish", "--publish")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    again = desk.type("publish", "--publish")
    assert f"{done.record['head'][:10]} already" in again.stdout
    assert "0 of 22 tickets told something new" in again.stdout
    project = desk.state / "sample" / "project.git"
    rows = run_git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/*+integration*", cwd=project)
    assert rows == f"{done.record['head']} {branch}"
    assert timeless({**desk.record(), "published": {}}) == timeless({**done.record, "published": {}})
    left = [*desk.state.rglob("*.half"), *(desk.state / "mirrors").rglob("*.lock"), *desk.state.rglob("tmp_*")]
    assert left == []
