from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from sessions.day.parallelism import Parallelism
from sessions.gates.results import TestId
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError, UsageError
from tests.day.engine import LINT, UNIT, Desk
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (TestId(f"{letter}.test", "one") for letter in "abc")


@pytest.fixture
def scene(builder: Builder, tmp_path: Path) -> Scene:
    files = {f"{letter}.test": "one pass\n" for letter in "abc"}
    builder.commit({**files, "lint.txt": "x"})
    builder.tag("1.0")
    builder.commit({"a.test": "one fail\n"}, "1.0", branch="t1")
    builder.commit({"new.test": "two pass\n"}, "1.0", branch="t2")
    builder.commit({"b.c": "uncompilable"}, "1.0", branch="t3")
    builder.commit(dict.fromkeys(files), "1.0", branch="t4")
    return Scene.of(builder, tmp_path / "state")


@pytest.fixture
def desk(scene: Scene, tmp_path: Path) -> Desk:
    return Desk.of(scene, tmp_path / "state")


def test_a_probe_builds_the_candidate_and_runs_the_gate_on_its_files(desk: Desk) -> None:
    result = desk.runner.result(desk.question(desk.head("t1", "t2")))
    assert result.built
    assert [failure.test for failure in result.results.failures] == [A]
    assert result.results.passed == (B, C, TestId("new.test", "two"))
    assert desk.tested_files() == [["a.test", "b.test", "c.test", "new.test"]]
    [probe] = desk.engine.probes
    assert [file.path for file in probe.overlay] == ["a.test", "new.test"]
    assert (desk.state / result.log).read_text() == "==> build: status 0\n\n==> gate: status 1\nchecked\n\n"


def test_what_is_known_runs_no_probe_in_this_call_or_the_next(desk: Desk) -> None:
    question = desk.question(desk.head("t1"))
    first = desk.runner.result(question)
    assert desk.runner.results([question, question]) == [first, first]
    again = Desk.of(desk.scene, desk.state)
    assert again.runner.result(question) == first
    assert again.runner.cache.find(question) == first
    assert (len(desk.engine.probes), len(again.engine.probes)) == (1, 0)
    assert [each.fresh for each in desk.runner.consulted.values()] == [True]
    assert [each.fresh for each in again.runner.consulted.values()] == [False]


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": 2},
        {"files": ("a.test",)},
        {"gate": replace(UNIT, run="check seed={seed} {files} ")},
        {"gate": replace(UNIT, files=("a*.test",))},
    ],
)
def test_another_attempt_or_command_or_other_files_are_another_result(desk: Desk, change: dict[str, Any]) -> None:
    question = desk.question(desk.head("t1"))
    desk.runner.result(question)
    other = replace(question, **change)
    assert desk.runner.cache.find(other) is None
    desk.runner.result(other)
    assert len(desk.engine.probes) == 2


def test_a_failed_build_is_a_result_of_the_candidate(desk: Desk) -> None:
    result = desk.runner.result(desk.question(desk.head("t3")))
    assert not result.built
    assert "b.c:1:2: error" in result.results.failures[0].message


def test_a_candidate_without_the_files_runs_none_of_their_tests(desk: Desk) -> None:
    result = desk.runner.result(desk.question(desk.head("t4"), files=("a.test",)))
    assert (result.built, result.results.passed, result.log) == (True, (), "")
    assert not desk.engine.probes
    assert not desk.runner.consulted
    with pytest.raises(UsageError, match=r"Gate 'unit' has no file to test to see: \*.test match none"):
        desk.runner.result(desk.question(desk.head("t4")))


def test_a_gate_that_may_not_run_now_is_pending_unless_its_result_is_known(scene: Scene, tmp_path: Path) -> None:
    gates = (UNIT, replace(LINT, run="check seed={seed} a.test"))
    first = Desk.of(scene, tmp_path / "state", gates=gates)
    lint = first.question(first.head("t2"), gates[1])
    first.runner.result(lint)
    second = Desk.of(scene, tmp_path / "state", gates=gates, runnable=frozenset(["unit"]))
    assert second.runner.result(lint).results.passed == (A,)
    with pytest.raises(GatePendingError, match="lint has not run on this head yet"):
        second.runner.results([second.question(second.head("t1")), replace(lint, candidate=second.head("t1"))])
    assert not second.engine.probes, "nothing runs before all questions can be answered"


def test_no_probe_begins_where_the_budget_has_no_room_for_it(scene: Scene, tmp_path: Path) -> None:
    first = Desk.of(scene, tmp_path / "state")
    first.engine.seconds = 50.0
    first.runner.result(first.question(first.head("t1")))
    second = Desk.of(scene, tmp_path / "state", deadline=time.monotonic() + 20)
    assert second.runner.result(second.question(second.head("t1"))).built
    with pytest.raises(BudgetEndedError, match="The budget has no room for unit, to see"):
        second.runner.result(second.question(second.head("t2")))
    # Of some files nothing is known yet: they begin as long as there is time.
    second.runner.result(second.question(second.head("t2"), files=("a.test",)))
    [probe] = second.engine.probes
    assert all(step.timeout <= 20 for step in probe.steps)


def test_with_a_deadline_no_more_probes_begin_than_run_at_once(scene: Scene, tmp_path: Path) -> None:
    desk = Desk.of(scene, tmp_path / "state", deadline=time.monotonic() + 1000, size=2)
    desk.engine.seconds = 2000.0  # what the first ones take is known before the third begins
    questions = [desk.question(desk.head(branch)) for branch in ("t1", "t2", "t3")]
    with pytest.raises(BudgetEndedError):
        desk.runner.results(questions)
    assert [desk.runner.cache.find(question) is not None for question in questions] == [True, True, False]


def test_what_is_to_come_is_divided_by_what_runs_together_and_not_by_what_waits(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk.of(scene, tmp_path / "state", size=2)
    desk.engine.seconds = 90.0
    desk.runner.result(desk.question(desk.head("t1")))
    desk.runner.console.expect(8)
    desk.runner.results([desk.question(desk.head(*names)) for names in (["t2"], ["t3"], ["t1", "t2"])])
    # Three are asked at the same time, two of which run: eight probes are four times 90 s.
    assert capsys.readouterr().out.count("usually 1m30s; about 8 to come, 6m00s") == 3


def test_where_our_side_fails_one_of_several_probes_the_others_are_kept(scene: Scene, tmp_path: Path) -> None:
    desk = Desk.of(scene, tmp_path / "state", size=3)
    desk.engine.fails_on = "new.test"
    questions = [desk.question(desk.head(branch)) for branch in ("t2", "t1", "t3")]
    with pytest.raises(InfrastructureError, match=r"The table with new\.test broke"):
        desk.runner.results(questions)
    assert [desk.runner.cache.find(question) is not None for question in questions] == [False, True, True]
    desk.engine.fails_on = ""
    assert len(desk.runner.results(questions)) == 3
    assert len(desk.engine.probes) == 4


@pytest.mark.parametrize("size", [1, 3])
def test_the_record_lists_results_in_the_order_of_the_questions(scene: Scene, tmp_path: Path, size: int) -> None:
    desk = Desk.of(scene, tmp_path / "state", size=size)
    questions = [desk.question(desk.head(branch)) for branch in ("t2", "t3", "t1")]
    desk.runner.result(questions[2])
    desk.runner.results(questions)
    assert [each.question for each in desk.runner.consulted.values()] == [questions[2], *questions[:2]]


def test_a_whole_gate_is_split_among_machines_and_joined(scene: Scene, tmp_path: Path) -> None:
    desk = Desk.of(scene, tmp_path / "state", shards=2)
    question = desk.question(desk.head("t1"))
    result = desk.runner.result(question)
    assert sorted(chain.from_iterable(desk.tested_files())) == ["a.test", "b.test", "c.test"]
    assert len(desk.engine.probes) == 2
    assert [failure.test for failure in result.results.failures] == [A]
    assert result.results.passed == (B, C)
    assert result.seconds == 2
    assert (desk.state / result.log).read_text().count("==> gate") == 2
    assert [each.question for each in desk.runner.consulted.values()] == [question], "the record names the whole"


def test_only_shards_that_are_missing_run(scene: Scene, tmp_path: Path) -> None:
    desk = Desk.of(scene, tmp_path / "state", shards=2)
    question = desk.question(desk.head("t1"))
    first = desk.runner.cache.shards_of(question, 2)[0]
    desk.runner.result(first)
    assert desk.runner.cache.find_or_join(question) is None
    desk.runner.result(question)
    assert len(desk.engine.probes) == 2
    assert first.why == "to see, shard 1/2"


def test_the_forecast_knows_what_earlier_runs_took_and_what_has_still_to_run(desk: Desk) -> None:
    heads = [desk.head("t1"), desk.head("t2")]
    assert desk.runner.cache.history(UNIT, heads).whole is None
    desk.runner.result(desk.question(heads[0]))
    history = desk.runner.cache.history(UNIT, heads)
    assert (history.whole, history.part, history.to_run) == (1.0, None, 1)


def test_globs_narrow_the_gates_files_down(scene: Scene, tmp_path: Path) -> None:
    desk = Desk.of(scene, tmp_path / "state", globs=("b*",))
    desk.runner.result(desk.question(desk.head("t1")))
    assert desk.tested_files() == [["b.test"]]


def test_places_of_a_command_are_filled_in_and_odd_names_are_quoted(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"-x.test": "", "a b.test": "", "c.test": ""})
    builder.tag("1.0")
    desk = Desk.of(Scene.of(builder, tmp_path / "state"), tmp_path / "state")
    gate = replace(UNIT, run="t {files} {results} -j{jobs} ${HOME} {seed}{other}")
    tree = desk.scene.release.tree
    command = desk.runner.builder.command(gate, None, tree, jobs=3)
    seed = desk.runner.builder.command(replace(UNIT, run="{seed}"), None, tree)
    assert command == f"""t ./-x.test 'a b.test' c.test "$INTEGRAND_RESULTS" -j3 ${{HOME}} {seed}{{other}}"""
    assert desk.runner.builder.command(replace(UNIT, run="{seed}"), None, tree, attempt=2) != seed


def test_a_whole_gate_that_starts_jobs_has_all_processors_beside_other_gates(scene: Scene, tmp_path: Path) -> None:
    long = replace(UNIT, run="check seed={seed}{jobs} {files}")
    short = replace(LINT, run="check seed={seed}0 a.test")
    desk = Desk.of(scene, tmp_path / "state", gates=(short, long), size=2)
    desk.runner.parallelism = Parallelism(processors=2)
    head = desk.head("t1")
    part = desk.question(head, long, files=("b.test",))
    desk.runner.results([desk.question(head, short), desk.question(head, long), part])
    # Jobs are in the seed, as the table engine knows no others: all four, and two each for the probes that run at once.
    jobs = [re.findall(r"seed=\d+(\d) ", probe.steps[-1].command)[-1] for probe in desk.engine.probes]
    files = [probe.steps[-1].command.split()[2:] for probe in desk.engine.probes]
    assert [jobs[place] for place, names in enumerate(files) if len(names) > 1] == ["4"]
    assert [jobs[place] for place, names in enumerate(files) if names == ["b.test"]] == ["2"]


def test_how_many_run_at_once_follows_from_their_times_and_changes_no_result(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    desks = [Desk.of(scene, tmp_path / name, size=4) for name in ("state", "other")]
    desks[1].runner.parallelism = parallelism = Parallelism(processors=2)
    assert desks[1].runner.at_once == 2
    answers = []
    for desk in desks:
        questions = [desk.question(desk.head(name)) for name in ("t1", "t2", "t3")]
        answers.append([desk.runner.result(questions[0]), *desk.runner.results(questions)])
    assert answers[0] == answers[1]
    assert list(desks[0].runner.consulted) == list(desks[1].runner.consulted)
    assert parallelism.at_once == 4, "two at once took as long as one alone"
