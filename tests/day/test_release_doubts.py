"""What fails on the release in one run only is not known: it may hide a ticket's fault."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from sessions.day.progress import Progress
from sessions.gates.results import TestId
from sessions.gates.seeds import seed_of
from sessions.tickets.model import Verdict
from tests.day.engine import Desk, queue_of
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path

CHANCE = TestId("d.test", "chance")
OTHERS = {"a.test": "one pass\n", "b.test": "one pass\n", "c.test": "one pass\n"}


def release(builder: Builder, line: str, wanted: tuple[bool, ...] = (), rate: int = 5) -> None:
    """Tag a release whose seeds are multiples of ``rate`` in attempts 1, 1701 and 1702 as wanted."""
    for number in count():
        tip = builder.commit({**OTHERS, "d.test": f"one pass\n{line}\n", "number": f"{number}"})
        tree = builder.git("rev-parse", f"{tip}^{{tree}}")
        if tuple(seed_of(tree, attempt) % rate == 0 for attempt in (1, 1701, 1702))[: len(wanted)] == wanted:
            break
    builder.tag("1.0")


def day(builder: Builder, state: Path, *branches: str) -> tuple[Desk, Progress]:
    state.mkdir(exist_ok=True)
    desk = Desk.of(Scene.of(builder, state), state)
    tickets = desk.scene.tickets(**{branch: int(branch[1:]) for branch in branches})
    return desk, desk.find_green_head(queue_of(tickets.values()))


def test_who_breaks_a_test_leaves_though_the_release_failed_it_by_chance(builder: Builder, tmp_path: Path) -> None:
    release(builder, "chance every 5", (True, False, False))
    builder.commit({"d.test": "one pass\nchance fail\n"}, "1.0", branch="t1")
    builder.commit({"x": "2"}, "1.0", branch="t2")
    desk, progress = day(builder, tmp_path / "state", "t1", "t2")
    assert progress.line.head.tickets == (2,)
    assert progress.out[1].verdict is Verdict.CULPRIT
    assert [each.test for each in progress.out[1].broke] == ["d.test::chance"]
    looks = desk.tested_files()[2:4]
    assert looks == [["d.test"], sorted((*OTHERS, "d.test"))], "its file again, then all files"


def test_what_fails_on_the_release_each_time_is_known_after_one_more_run_of_its_file(
    builder: Builder, tmp_path: Path
) -> None:
    release(builder, "chance fail")
    builder.commit({"x": "1"}, "1.0", branch="t1")
    desk, progress = day(builder, tmp_path / "state", "t1")
    assert (progress.out, progress.failing, progress.flaky) == ({}, {}, {"unit": set()})
    assert progress.measured["unit"].comparison.known == (CHANCE,)
    assert progress.measured["unit"].known_once == ()
    assert desk.tested_files() == [[*OTHERS, "d.test"], [*OTHERS, "d.test"], ["d.test"]]
    again, _ = day(builder, tmp_path / "state", "t1")
    assert again.engine.probes == [], "the second look is kept"


def test_what_fails_on_the_release_beside_other_files_only_is_known(builder: Builder, tmp_path: Path) -> None:
    release(builder, "chance beside a.test")
    builder.commit({"x": "1"}, "1.0", branch="t1")
    desk, progress = day(builder, tmp_path / "state", "t1")
    assert (progress.out, progress.failing) == ({}, {})
    assert progress.measured["unit"].comparison.known == (CHANCE,)
    assert len(desk.engine.probes) == 4


def test_a_test_that_fails_now_and_then_on_both_takes_nobody_out(builder: Builder, tmp_path: Path) -> None:
    release(builder, "chance every 2", (True, False, False), rate=2)
    for number in count(1):  # the head fails as well
        tip = builder.commit({"x": f"{number}"}, "1.0", branch=f"t{number}")
        if seed_of(builder.git("rev-parse", f"{tip}^{{tree}}"), 1) % 2 == 0:
            break
    _, progress = day(builder, tmp_path / "state", f"t{number}")
    assert (progress.out, progress.failing) == ({}, {})
    assert progress.flaky["unit"] == {CHANCE}


def test_what_the_head_does_not_fail_is_not_run_again(builder: Builder, tmp_path: Path) -> None:
    release(builder, "chance fail")
    builder.commit({"d.test": "one pass\nchance pass\n"}, "1.0", branch="t1")
    desk, progress = day(builder, tmp_path / "state", "t1")
    assert progress.measured["unit"].comparison.fixed == (CHANCE,)
    assert len(desk.engine.probes) == 2


def test_many_known_failures_cost_one_run(builder: Builder, tmp_path: Path) -> None:
    failing = {f"f{number}.test": "one fail\n" for number in range(60)}
    builder.commit({"a.test": "one pass\n", **failing})
    builder.tag("1.0")
    builder.commit({"x": "1"}, "1.0", branch="t1")
    desk, progress = day(builder, tmp_path / "state", "t1")
    assert len(progress.measured["unit"].comparison.known) == 60
    assert len(desk.engine.probes) == 3
    assert len(desk.tested_files()[2]) == 61, "most files: the whole gate"
