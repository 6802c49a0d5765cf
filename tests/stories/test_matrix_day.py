"""The sample's day over a CI matrix: four jobs, each with a folder of its own, and one that gathers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.desk import DATE, DAY, Done, new_desk, shared_day, timeless

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return shared_day(tmp_path_factory)


def test_a_day_in_four_jobs_is_gathered_into_the_record_of_one(
    done: Done, tmp_path_factory: pytest.TempPathFactory
) -> None:
    last = new_desk(tmp_path_factory)
    planned = last.type("integrate", "--plan-shards", "4")
    shards = json.loads(planned.stdout)["shard"]
    assert shards == ["1/4", "2/4", "3/4", "4/4"]
    tested: list[str] = []
    for number, shard in enumerate(shards):
        job = new_desk(tmp_path_factory)
        ran = job.type("integrate", "--engine", "local", "--shard", shard)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert job.record()["state"] == "paused"
        assert {ticket["verdict"] for ticket in job.record()["tickets"]}.isdisjoint({"integrated", "culprit"})
        head = [probe for probe in job.record()["probes"] if probe["gate"] == "doctest" and probe["tickets"]]
        tested += [file for probe in head for file in probe["files"]]
        shutil.copytree(job.state, last.folder / "jobs" / str(number), symlinks=True)
    assert len(tested) == len(set(tested)) > 15
    day_result = last.type("integrate", "--engine", "local", "--gather", "jobs")
    assert day_result.returncode == 0, day_result.stdout + day_result.stderr
    assert timeless(last.record()) == timeless(done.record)
    ran_now = last.record()["timings"]["probes_run"]
    assert ran_now == done.record["timings"]["probes_run"] - 3  # both gates on the release, the doctests on the head


def test_gathering_from_an_empty_folder_is_one_sentence(tmp_path: Path) -> None:
    words = [sys.executable, str(DAY), "integrate", "--date", DATE, "--gather", "nothing"]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "there is no state folder in" in said.stderr
