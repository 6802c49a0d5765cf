"""A long gate runs on a head in two parts; nothing is green by the first alone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from sessions.day.progress import Progress
from sessions.gates.results import TestId
from tests.day.engine import UNIT, Desk, queue_of
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path

ALL = [f"{letter}.test" for letter in "abcd"]


@pytest.fixture
def scene(builder: Builder, tmp_path: Path) -> Scene:
    """Ticket 1 breaks the test that it changes, 2 breaks another file's by a file of its own, 3 is fine."""
    builder.commit({**dict.fromkeys(ALL, "one pass\n"), "d.test": "one without thing\n"})
    builder.tag("1.0")
    builder.commit({"a.test": "one fail\n"}, "1.0", branch="t1")
    builder.commit({"thing": "x", "c.test": "one pass\ntwo pass\n"}, "1.0", branch="t2")
    builder.commit({"b.test": "one pass\nmore pass\n"}, "1.0", branch="t3")
    return Scene.of(builder, tmp_path / "state")


def find(scene: Scene, state: Path, *branches: str, seconds: float = 200.0) -> tuple[Desk, Progress]:
    state.mkdir(exist_ok=True)
    desk = Desk.of(scene, state)
    desk.engine.seconds, desk.engine.case_seconds = seconds, 10.0
    tickets = scene.tickets(**{branch: int(branch[1:]) for branch in branches})
    return desk, desk.find_green_head(queue_of(tickets.values()))


def test_a_fault_in_the_first_part_is_searched_for_before_the_rest_runs(scene: Scene, tmp_path: Path) -> None:
    desk, progress = find(scene, tmp_path / "state", "t1", "t3")
    assert not progress.failing
    assert progress.out.keys() == {1}
    whole, first, *search = desk.tested_files()
    assert (whole, first) == (ALL, ["a.test"])
    assert all(files == ["a.test"] for files in search[:-2])
    assert search[-2:] == [["b.test"], ["a.test", "c.test", "d.test"]], "the head that is left runs to its end"
    assert progress.measured["unit"].head.passed[-1] == TestId("d.test", "one")


def test_what_only_the_rest_shows_is_found_too(scene: Scene, tmp_path: Path) -> None:
    desk, progress = find(scene, tmp_path / "state", "t2", "t3")
    assert not progress.failing
    assert progress.out.keys() == {2}
    assert sorted(chain(*desk.tested_files()[1:3])) == ALL


def test_the_same_day_again_runs_nothing_and_decides_the_same(scene: Scene, tmp_path: Path) -> None:
    _, first = find(scene, tmp_path / "state", "t1", "t2", "t3")
    desk, second = find(scene, tmp_path / "state", "t1", "t2", "t3")
    assert desk.engine.probes == []
    assert (second.out, second.line) == (first.out, first.line)


def test_a_short_gate_runs_as_a_whole(scene: Scene, tmp_path: Path) -> None:
    desk, _ = find(scene, tmp_path / "state", "t3", seconds=100.0)
    assert desk.tested_files() == [ALL, ALL]
    assert "{files}" in UNIT.run
