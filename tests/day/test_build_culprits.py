"""Who breaks the build, and how many builds it takes to know."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sessions.day.probe_outcomes import BUILD_STEP
from sessions.day.progress import Progress
from sessions.engines.pool import Threads
from sessions.engines.probe import Outcome, Probe, StepOutcome
from sessions.source.line import Queue
from sessions.terminal.errors import InfrastructureError
from tests.day.engine import Desk, TableEngine
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sessions.engines import Listen

COUNT = 58
# Builds of the head and the release before a search: the first of each, and the second looks.
BEFORE = 4
# A build that takes an hour.
DEAR = 3600.0
# The culprit's place in the line: the middle in `nox -s quick`, both ends in `nox -s tests` as well.
PLACES = [pytest.param(1, marks=pytest.mark.slow), 30, pytest.param(58, marks=pytest.mark.slow)]
# What a machine does to builds now and then.
BY_CHANCE = (
    "gcc: fatal error: Killed signal terminated program cc1",
    "ld: error: output: No space left on device",
    "error: could not resolve host: example.org",
    "src/a.c:1:2: internal compiler error: Segmentation fault",
)


@dataclass
class LinkedEngine(TableEngine):
    """A table engine whose build fails with ``message`` where all ``broken`` files are there, or by chance."""

    broken: frozenset[str] = frozenset({"no such file"})
    message: str = "x.o: undefined reference to `gone'"
    rate: float = 0.0
    messages: tuple[str, ...] = BY_CHANCE
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        outcome = super().run(probe, listen)
        files = {**self.release, **{each.path: "" for each in probe.overlay}}
        log = f"{self.message}\n" if self.broken <= files.keys() else ""
        is_baseline = not probe.overlay and len(probe.steps) > 1
        if not is_baseline and self.chance.random() < self.rate:
            log = f"{self.chance.choice(self.messages)}\n"
        if not log:
            return outcome
        step = StepOutcome(name=BUILD_STEP, status=2, log=f"{log}make: *** [all] Error 2\n")
        return Outcome(steps=(step,), results=None, artifacts={}, seconds=self.seconds)


class Scripted(random.Random):
    """Makes builds fail in the order of ``fails``, and pass from then on."""

    def __init__(self, *fails: bool) -> None:
        super().__init__(0)
        self.fails = list(fails)

    def random(self) -> float:
        return 0.0 if self.fails and self.fails.pop(0) else 1.0

    def getrandbits(self, k: int, /) -> int:
        # Without it, ``choice`` would draw from ``random``.
        return 0 * k


def scene_of(builder: Builder, state: Path, files: Mapping[int, Mapping[str, str]], count: int = COUNT) -> Scene:
    builder.commit({"a.test": "one pass\n", "src/a.c": "a", "src/b.c": "b"})
    builder.tag("1.0")
    numbers = range(1, count + 1)
    builder.branch_off({f"t{n}": ("1.0", files.get(n, {f"doc/{n}.txt": "1"})) for n in numbers})
    return Scene.of(builder, state)


def find(scene: Scene, state: Path, count: int = COUNT, **words: object) -> tuple[int, Progress]:
    """Find the green head; return how many probes ran, each of which builds."""
    desk = Desk.of(scene, state)
    engine = LinkedEngine(desk.engine.release, **words)  # type: ignore[arg-type]
    desk.runner.engine = engine
    desk.runner.pool = Threads(engine, 1)
    tickets = tuple(scene.tickets(**{f"t{number}": number for number in range(1, count + 1)}).values())
    progress = desk.find_green_head(Queue(tickets=tickets, needs={}))
    return len(engine.probes), progress


@pytest.mark.parametrize("culprit", PLACES)
def test_who_touched_the_file_that_a_build_names_is_known_after_four_builds(
    builder: Builder, tmp_path: Path, culprit: int
) -> None:
    scene = scene_of(builder, tmp_path / "state", {culprit: {"src/a.c": "uncompilable"}})
    builds, progress = find(scene, tmp_path / "state", seconds=DEAR)
    assert progress.out.keys() == {culprit}
    assert (len(progress.line.tickets), progress.failing) == (COUNT - 1, {})
    assert builds - BEFORE - 1 <= 4, "the last build is that of the green head"


@pytest.mark.parametrize("culprit", PLACES)
def test_a_build_that_names_no_file_takes_nine_builds_at_most(builder: Builder, tmp_path: Path, culprit: int) -> None:
    scene = scene_of(builder, tmp_path / "state", {})
    builds, progress = find(scene, tmp_path / "state", broken=frozenset({f"doc/{culprit}.txt"}), seconds=DEAR)
    assert progress.out.keys() == {culprit}
    assert builds - BEFORE - 1 <= 9


def test_builds_that_cost_little_are_verified_once_more_each_way(builder: Builder, tmp_path: Path) -> None:
    scene = scene_of(builder, tmp_path / "state", {30: {"src/a.c": "uncompilable"}})
    builds, progress = find(scene, tmp_path / "state", seconds=60.0)
    assert progress.out.keys() == {30}
    assert 4 < builds - BEFORE - 1 <= 7


def test_who_touched_the_named_file_is_not_blamed_for_what_another_one_breaks(builder: Builder, tmp_path: Path) -> None:
    scene = scene_of(builder, tmp_path / "state", {7: {"src/a.c": "fine"}})
    builds, progress = find(
        scene, tmp_path / "state", broken=frozenset({"doc/40.txt"}), message="src/a.c:1:2: error: no"
    )
    assert progress.out.keys() == {40}
    assert builds - BEFORE - 1 <= 12


def test_two_that_break_the_build_by_themselves_both_leave_each_for_its_own_error(
    builder: Builder, tmp_path: Path
) -> None:
    broken = {number: {f"src/{number}.c": "uncompilable"} for number in (9, 50)}
    builds, progress = find(scene_of(builder, tmp_path / "state", broken), tmp_path / "state")
    assert progress.out.keys() == {9, 50}
    for number in broken:
        assert f"src/{number}.c:1:2: error" in progress.out[number].broke[0].message
    assert builds - BEFORE - 1 <= 16


def test_a_pair_that_breaks_the_build_is_named_as_a_pair(builder: Builder, tmp_path: Path) -> None:
    scene = scene_of(builder, tmp_path / "state", {})
    _, progress = find(scene, tmp_path / "state", broken=frozenset({"doc/11.txt", "doc/44.txt"}))
    assert progress.out.keys() == {44}
    assert progress.out[44].broke[0].with_ == (11,)


def test_whoever_left_for_an_error_that_comes_by_chance_is_merged_again(builder: Builder, tmp_path: Path) -> None:
    scene = scene_of(builder, tmp_path / "state", {3: {"src/a.c": "fine"}}, count=6)
    # The head fails, again, and the release passes; #3 fails twice, and the release passes twice more: #3 leaves. The
    # head without it fails, and passes when it is looked at again.
    course = Scripted(True, True, False, True, True, False, False, True)
    words = {"rate": 0.5, "chance": course, "messages": ("src/a.c:1:2: error: no",), "seconds": DEAR}
    _, progress = find(scene, tmp_path / "state", count=6, **words)
    assert course.fails == []
    assert progress.chance_errors == {"src/a.c:1:2: error: no"}
    assert (progress.out, len(progress.line.tickets), progress.failing) == ({}, 6, {})


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_a_build_that_fails_by_chance_blames_nobody(builder: Builder, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    scene = scene_of(builder, tmp_path / "state", {}, count=12)
    words = {"rate": chance.uniform(0.1, 0.9), "chance": chance}
    # The same state again: a build that failed in all runs of the head is the machine's to mend.
    for _ in range(2):
        try:
            _, progress = find(scene, tmp_path / "state", count=12, **words)
        except InfrastructureError as error:
            assert "make the gate steadier" in str(error)  # noqa: PT017
        else:
            assert progress.out == {}
