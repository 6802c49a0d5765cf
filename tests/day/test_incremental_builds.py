"""Searches that start from the nearest kept build: they cost less, and end like any other, also where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from sessions.day.progress import Progress
from sessions.engines.pool import Threads
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Build
from sessions.source.line import Queue
from tests.day.engine import UNIT, Desk, TableEngine
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sessions.engines import Listen
    from sessions.engines.probe import Outcome, Probe
    from sessions.source.overlay_files import Overlay

COUNT, CULPRIT = 7, 5


def changed(files: Mapping[str, str], overlay: Overlay) -> dict[str, str]:
    result = dict(files)
    for each in overlay:
        result.pop(each.path, None)
        if each.content is not None:
            result[each.path] = each.content.decode()
    return result


@dataclass
class KeepingEngine(TableEngine):
    """A table engine that keeps builds. An incremental build also has the files of ``left``, which is wrong."""

    left: dict[str, str] = field(default_factory=dict)
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    incremental: list[Probe] = field(default_factory=list)

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        whole = changed(self.release, probe.overlay)
        start = next((start for start in probe.starts if start.candidate in self.kept), None)
        if start is None:
            if probe.keep:
                self.kept[probe.candidate] = whole
            return super().run(probe, listen)
        assert changed(self.kept[start.candidate], start.overlay) == whole
        self.incremental.append(probe)
        release, self.release = self.release, {**self.release, **self.left}
        try:
            return super().run(probe, listen)
        finally:
            self.release = release


def desk_of(scene: Scene, state: Path, size: int = 1, **words: object) -> tuple[Desk, KeepingEngine]:
    desk = Desk.of(scene, state, size=size)
    config = replace(desk.config, build=Build(run="make", incremental=True))
    engine = KeepingEngine(desk.engine.release, **words)  # type: ignore[arg-type]
    desk.day = replace(desk.day, config=config)
    desk.runner.engine, desk.runner.pool = engine, Threads(engine, size)
    desk.runner.builder = replace(desk.runner.builder, config=config)
    return desk, engine


def find(scene: Scene, desk: Desk) -> Progress:
    tickets = tuple(scene.tickets(**{f"t{number}": number for number in range(1, COUNT + 1)}).values())
    baselines = desk.baselines()
    baselines.check((UNIT,))
    return desk.find_green_head(Queue(tickets=tickets, needs={}), baselines=baselines)


@pytest.fixture(params=["without", "uncompilable"])
def scene(request: pytest.FixtureRequest, builder: Builder, tmp_path: Path) -> Scene:
    """A line in which one ticket breaks a test, or the build; each ticket deletes a file of the release."""
    builder.commit({"a.test": "one without broken\n", **{f"old/{n}.c": "old" for n in range(1, COUNT + 1)}})
    builder.tag("1.0")
    culprit = {"broken": "x"} if request.param == "without" else {"broken.c": "uncompilable"}
    changes: dict[int, dict[str, str | None]] = {
        n: {f"new/{n}.c": "new", f"old/{n}.c": None, **(culprit if n == CULPRIT else {})} for n in range(1, COUNT + 1)
    }
    builder.branch_off({f"t{n}": ("1.0", changes[n]) for n in changes})
    return Scene.of(builder, tmp_path / "state")


def test_first_looks_start_from_kept_builds_and_decisions_rest_on_whole_ones(scene: Scene, tmp_path: Path) -> None:
    desk, engine = desk_of(scene, tmp_path / "state")
    progress = find(scene, desk)
    assert progress.out.keys() == {CULPRIT}
    assert (len(progress.line.tickets), progress.failing, progress.whole_builds) == (COUNT - 1, {}, set())
    asked = [each.question for each in desk.runner.consulted.values()]
    incremental = [question for question in asked if question.incremental]
    assert len(incremental) == len(engine.incremental) > 0
    assert {(question.purpose, question.attempt) for question in incremental} == {(Purpose.SEARCH, 1)}
    [broke] = progress.out[CULPRIT].broke
    whole = {question.candidate.tree for question in asked if not question.incremental}
    assert {broke.tree, desk.day.base.tree, progress.line.head.tree} <= whole


@pytest.mark.parametrize("left", [{"broken": "of another candidate"}, {"gone.c": "uncompilable"}])
def test_builds_that_are_wrong_cost_time_and_blame_nobody(scene: Scene, tmp_path: Path, left: dict[str, str]) -> None:
    desk, engine = desk_of(scene, tmp_path / "state", left=left)
    progress = find(scene, desk)
    assert progress.out.keys() == {CULPRIT}
    assert (len(progress.line.tickets), progress.failing, progress.flaky.get("unit", set())) == (COUNT - 1, {}, set())
    again, engine = desk_of(scene, tmp_path / "state", left=left)
    assert find(scene, again).out == progress.out
    assert engine.probes == []
    assert list(again.runner.consulted) == list(desk.runner.consulted)


def test_a_day_asks_the_same_however_many_probes_run_at_once(scene: Scene, tmp_path: Path) -> None:
    desk, engine = desk_of(scene, tmp_path / "state")
    find(scene, desk)
    (tmp_path / "other").mkdir()
    other, engine_at_once = desk_of(scene, tmp_path / "other", size=4)
    find(scene, other)
    assert list(other.runner.consulted) == list(desk.runner.consulted)
    starts = ({(probe.candidate, probe.starts) for probe in each.incremental} for each in (engine, engine_at_once))
    assert next(starts) == next(starts)


def test_the_nearest_build_is_the_one_with_the_fewest_differing_files(scene: Scene, tmp_path: Path) -> None:
    desk, _ = desk_of(scene, tmp_path / "state")
    base, head = desk.day.base, desk.head("t1", "t2", "t3")
    for candidate in (base, head):
        desk.runner.result(desk.question(candidate, keep=True))
    near_head, near_base = desk.head("t1", "t2"), desk.head("t4")
    asked = [desk.question(each, incremental=True) for each in (near_head, near_base)]
    found = [desk.runner.builder.probe(question, None, 1, desk.runner.kept).starts for question in asked]
    assert [len(start.overlay) for start in found[0]] == [2, 4]
    assert {file.path: file.content for file in found[0][0].overlay} == {"new/3.c": None, "old/3.c": b"old"}
    assert [start.candidate for start in found[1]] == [desk.runner.builder.candidate(base.tree).candidate]


def test_a_result_of_an_incremental_build_is_none_of_a_whole_one_but_not_the_other_way_round(
    scene: Scene, tmp_path: Path
) -> None:
    desk, _ = desk_of(scene, tmp_path / "state")
    whole = [desk.question(desk.head(name)) for name in ("t1", "t2")]
    incremental = [replace(question, incremental=True) for question in whole]
    result = desk.runner.result(incremental[0])
    assert desk.runner.cache.find(whole[0]) is None
    desk.runner.result(whole[1])
    assert desk.runner.cache.find_or_join(incremental[0]) == result
    assert desk.runner.cache.find_or_join(incremental[1]) == desk.runner.cache.find(whole[1])
