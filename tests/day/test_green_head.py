from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from sessions.day.fixes import broken_by_fixes
from sessions.day.green_head import GreenHead
from sessions.day.hinted import NO_HINTS, DayHints
from sessions.day.line_selection import LineSelection
from sessions.day.probe_outcomes import BUILD
from sessions.day.progress import Progress
from sessions.gates.results import TestId
from sessions.gates.seeds import seed_of
from sessions.settings.hints import Hint
from sessions.source.line import Queue, merge_line
from sessions.source.merging import Candidate
from sessions.tickets.model import Verdict
from tests.day.engine import Desk
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scene(builder: Builder, tmp_path: Path) -> Scene:
    """Tickets 1 and 2 are fine, 3 fails a test, 4 does not compile, 5 and 6 fail one together, 7 builds on 3."""
    builder.commit({"a.test": "one pass\n", "b.test": "one pass\nbad fail\n", "pair.test": "one pass\n"})
    builder.tag("1.0")
    builder.commit({"x": "1"}, "1.0", branch="t1")
    builder.commit({"new.test": "two pass\n"}, "1.0", branch="t2")
    builder.commit({"a.test": "one fail\n"}, "1.0", branch="t3")
    builder.commit({"broken.c": "uncompilable"}, "1.0", branch="t4")
    builder.commit({"five": "5"}, "1.0", branch="t5")
    builder.commit({"pair.test": "one without five\n"}, "1.0", branch="t6")
    return Scene.of(builder, tmp_path / "state")


def find(
    scene: Scene,
    state: Path,
    *branches: str,
    needs: dict[int, set[int]] | None = None,
    select: Literal["first", "best"] = "first",
    urgent: int = 0,
    hints: DayHints = NO_HINTS,
    together: tuple[int, ...] = (),
) -> tuple[Desk, Progress]:
    state.mkdir(exist_ok=True)
    desk = Desk.of(scene, state)
    settings = replace(desk.config.tickets[0], select=select, priorities=("urgent",))
    desk.day = replace(desk.day, config=replace(desk.config, tickets=(settings,)))
    numbers = scene.tickets(**{branch: int(branch[1:]) for branch in branches})
    tickets = tuple(
        replace(
            each, labels=("urgent",) * (n == urgent), together=tuple(o for o in together if o != n and n in together)
        )
        for n, each in numbers.items()
    )
    wants = needs or {}
    queue = Queue(tickets=tickets, needs={each.number: frozenset(wants.get(each.number, ())) for each in tickets})
    progress = Progress(line=merge_line(queue, scene.merger, {}))
    head = GreenHead(
        day=desk.day,
        lines=LineSelection(day=desk.day, queue=queue, hints=hints),
        runner=desk.runner,
        baselines=desk.baselines(),
        progress=progress,
    )
    head.find()
    return desk, progress


def test_a_head_on_which_nothing_new_fails_is_green_after_one_run(scene: Scene, tmp_path: Path) -> None:
    desk, progress = find(scene, tmp_path / "state", "t1", "t2")
    assert (progress.failing, progress.out, progress.line.head.tickets) == ({}, {}, (1, 2))
    assert len(desk.engine.probes) == 3, "the release, the head, and what fails on the release once more"
    compared = progress.measured["unit"].comparison
    assert compared.known == (TestId("b.test", "bad"),)
    assert compared.brought == (TestId("new.test", "two"),)


def test_who_breaks_a_test_leaves_with_what_it_breaks_and_how_it_is_known(scene: Scene, tmp_path: Path) -> None:
    _, progress = find(scene, tmp_path / "state", "t1", "t2", "t3")
    assert progress.line.head.tickets == (1, 2)
    decision = progress.out[3]
    assert (decision.verdict, decision.reason) == (Verdict.CULPRIT, "it breaks a.test::one")
    [broke] = decision.broke
    assert (broke.gate, broke.test, broke.file, broke.with_, broke.is_build) == (
        "unit",
        "a.test::one",
        "a.test",
        (),
        False,
    )
    assert broke.evidence == ("fails, twice, with #3", "passes with the release alone")
    assert broke.command.endswith(" a.test")


def test_who_breaks_the_build_leaves_before_any_test_is_judged(scene: Scene, tmp_path: Path) -> None:
    desk, progress = find(scene, tmp_path / "state", "t1", "t3", "t4")
    assert progress.line.head.tickets == (1,)
    assert [(each.gate, each.is_build) for each in progress.out[4].broke] == [("build", True)]
    assert "broken.c:1:2: error" in progress.out[4].broke[0].message
    assert BUILD.name not in progress.failing
    assert all(len(probe.steps) <= 2 for probe in desk.engine.probes)


def test_of_a_pair_the_later_leaves_and_the_earlier_is_named(scene: Scene, tmp_path: Path) -> None:
    _, progress = find(scene, tmp_path / "state", "t1", "t5", "t6")
    assert progress.line.head.tickets == (1, 5)
    assert progress.out.keys() == {6}
    assert progress.out[6].broke[0].with_ == (5,)


def test_what_depends_on_a_culprit_leaves_the_line_as_blocked(scene: Scene, tmp_path: Path) -> None:
    _, progress = find(scene, tmp_path / "state", "t1", "t3", "t6", needs={6: {3}})
    assert progress.line.head.tickets == (1,)
    assert progress.line.decisions[6].verdict is Verdict.BLOCKED


def test_the_same_day_again_runs_nothing_and_decides_the_same(scene: Scene, tmp_path: Path) -> None:
    _, first = find(scene, tmp_path / "state", "t1", "t3", "t5", "t6")
    desk, second = find(scene, tmp_path / "state", "t1", "t3", "t5", "t6")
    assert desk.engine.probes == []
    assert (second.out, second.line) == (first.out, first.line)


def test_the_best_set_decides_who_of_a_pair_leaves(scene: Scene, tmp_path: Path) -> None:
    """Without priorities the later one leaves, as it does when each ticket that fits is taken."""
    _, progress = find(scene, tmp_path / "plain", "t1", "t5", "t6", select="best")
    assert progress.line.head.tickets == (1, 5)
    assert progress.line.decisions[6].verdict is Verdict.CULPRIT
    _, progress = find(scene, tmp_path / "urgent", "t1", "t5", "t6", select="best", urgent=6)
    assert progress.line.head.tickets == (1, 6)
    assert (progress.failing, progress.out) == ({}, {})
    decision = progress.line.decisions[5]
    assert (decision.verdict, decision.reason) == (Verdict.CULPRIT, "it breaks pair.test::one together with #6")
    [broke] = decision.broke
    assert broke.with_ == (6,)
    assert broke.evidence == ("fails, twice, with #5 and #6", "passes with #6", "passes with #5")


def test_who_breaks_a_test_alone_leaves_the_best_set_as_well(scene: Scene, tmp_path: Path) -> None:
    _, progress = find(scene, tmp_path / "state", "t1", "t3", "t5", "t6", select="best", urgent=3)
    assert progress.line.head.tickets == (1, 5)
    assert progress.out.keys() == {3}


def test_the_baseline_is_the_release_with_its_fixes(builder: Builder, tmp_path: Path) -> None:
    """8 mends a test that the release fails, and breaks another; 9 breaks again what 8 mends, and is named for that."""
    builder.commit({"a.test": "one pass\n", "b.test": "bad fail\n"})
    builder.tag("1.0")
    builder.commit({"a.test": "one fail\n", "b.test": "bad without nine\n"}, "1.0", branch="t8")
    builder.commit({"nine": "9"}, "1.0", branch="t9")
    scene = Scene.of(builder, tmp_path / "state")
    tickets = tuple(scene.tickets(t8=8, t9=9).values())
    queue = Queue(tickets=tickets, needs={8: frozenset(), 9: frozenset()})
    desk = Desk.of(scene, tmp_path / "state")
    progress = Progress(line=merge_line(queue, scene.merger, {}))
    baselines = desk.baselines(fixes=tickets[:1])
    assert (baselines.name, baselines.alone) == ("1.0 with #8", "the release with #8")
    assert broken_by_fixes(desk.day, baselines) == {"unit": (TestId("a.test", "one"),)}
    lines = LineSelection(day=desk.day, queue=queue)
    GreenHead(day=desk.day, lines=lines, runner=desk.runner, baselines=baselines, progress=progress).find()
    assert progress.line.head.tickets == (8,)
    assert progress.measured["unit"].mended_by == (8,)
    [broke] = progress.out[9].broke
    assert (broke.test, broke.evidence) == (
        "b.test::bad",
        ("fails, twice, with #9", "passes with the release with #8"),
    )
    assert scene.merger.combine(tickets) == Candidate(tickets=(8, 9), commit=broke.commit, tree=broke.tree)


def test_no_ticket_leaves_for_a_test_that_a_hint_ignores(scene: Scene, tmp_path: Path) -> None:
    hint = Hint(line=1, owner="Jane", reason="it is rewritten", ignore=("a.test::one",), gate="unit", closed=99)
    _, progress = find(scene, tmp_path / "state", "t1", "t3", "t4", hints=DayHints((hint,)))
    assert progress.line.head.tickets == (1, 3), "what breaks the build leaves all the same"
    assert progress.ignored == {"unit": {TestId("a.test", "one")}}
    [used] = DayHints((hint,)).used([1, 3, 4], progress.ignored)
    assert str(used) == "a.test::one ignored: Jane, until #99 is closed: it is rewritten"
    assert DayHints((hint,)).ignored("unit", [TestId("", "unit")]) == frozenset()
    assert DayHints((hint,)).ignored("lint", [TestId("a.test", "one")]) == frozenset()


def test_tickets_that_enter_together_are_tested_and_leave_as_one(scene: Scene, tmp_path: Path) -> None:
    """Ticket 3 breaks a test and 2 does not, but 2 enters with 3 alone."""
    desk, progress = find(scene, tmp_path / "state", "t1", "t2", "t3", "t5", together=(2, 3))
    assert progress.line.head.tickets == (1, 5)
    assert progress.out.keys() == {2, 3}
    for number, other in ((2, 3), (3, 2)):
        [broke] = progress.out[number].broke
        assert (broke.test, broke.with_) == ("a.test::one", (other,))
        assert broke.evidence == ("fails, twice, with #2 and #3", "passes with the release alone")
    assert desk.engine.probes


@pytest.mark.parametrize(
    ("release", "change"),
    [
        pytest.param("one pass\n", {"d.test": "one beside z.test\n"}, id="only a whole run fails"),
        pytest.param("one beside c.test\n", {"c.test": "new pass\n"}, id="a new file is why another file's test fails"),
        pytest.param("one with 3\n", {"d.test": "one with 9\n"}, id="its file alone fails on the release, too"),
    ],
)
def test_what_fails_in_whole_runs_only_is_not_flaky(
    builder: Builder, tmp_path: Path, release: str, change: dict[str, str]
) -> None:
    builder.commit({"a.test": "one pass\n", "d.test": release, "z.test": "one pass\n"})
    builder.tag("1.0")
    builder.commit(change, "1.0", branch="t1")
    builder.commit({"x": "1"}, "1.0", branch="t2")
    _, progress = find(Scene.of(builder, tmp_path / "state"), tmp_path / "state", "t1", "t2")
    assert progress.out.keys() == {1}
    assert progress.failing == {}
    [broke] = progress.out[1].broke
    assert (broke.test, progress.flaky["unit"]) == ("d.test::one", set())


@pytest.mark.parametrize(
    ("rate", "looks", "last"),
    [
        pytest.param(61, (False, False), ["a.test", "d.test"], id="no run of its file fails: the gate runs as a whole"),
        pytest.param(5, (False, True), ["d.test"], id="runs of its file fail now and then"),
    ],
)
def test_what_another_whole_run_does_not_show_is_flaky(
    builder: Builder, tmp_path: Path, rate: int, looks: tuple[bool, bool], last: list[str]
) -> None:
    builder.commit({"a.test": "one pass\n", "d.test": "one pass\n"})
    builder.tag("1.0")
    for number in range(1, 1000):
        tip = builder.commit({"d.test": f"one pass\nnew{number} every {rate}\n"}, "1.0", branch=f"t{number}")
        tree = builder.git("rev-parse", f"{tip}^{{tree}}")
        if tuple(seed_of(tree, attempt) % rate == 0 for attempt in (1, 2, 1001)) == (True, *looks):
            break
    desk, progress = find(Scene.of(builder, tmp_path / "state"), tmp_path / "state", f"t{number}")
    assert progress.out == {}
    assert progress.flaky["unit"] == {TestId("d.test", f"new{number}")}
    assert desk.tested_files()[-1] == last
