"""Slower files of a head: a real repository and a real ledger, with the table engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.day.run_record import DayResult, write_record
from sessions.day.slowness import Slowness
from sessions.ledger.record import Purpose, Record, State
from sessions.reporting.text import plain_report
from sessions.terminal.errors import BudgetEndedError, InfrastructureError
from sessions.tickets.model import Verdict
from tests.day.engine import UNIT, Desk, queue_of
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path

BRANCHES = ("t1", "t2", "t3", "t4", "t5")


@pytest.fixture
def scene(builder: Builder, tmp_path: Path) -> Scene:
    """Ticket 2 makes one file slower, and 1 and 4 together another one; 5 adds a test to a third."""
    builder.commit({"a.test": "a takes 1 two\n", "b.test": "b takes 2 one four\n", "c.test": "c takes 1\n"})
    builder.tag("1.0")
    for number, files in enumerate(({"one": ""}, {"two": ""}, {"three": ""}, {"four": ""}), 1):
        builder.commit(files, "1.0", branch=f"t{number}")
    builder.commit({"c.test": "c takes 1\nd takes 1\n"}, "1.0", branch="t5")
    return Scene.of(builder, tmp_path / "state")


def judge(
    scene: Scene, state: Path, *, slower: float = 1.3, seconds: float = 1.0, run: str = UNIT.run
) -> tuple[Desk, Record]:
    """Find the green head, and which of its files are slower."""
    state.mkdir(exist_ok=True)
    desk = Desk.of(scene, state, gates=(replace(UNIT, slower=slower, run=run),))
    desk.engine.seconds = seconds
    tickets = tuple(scene.tickets(**{branch: int(branch[1:]) for branch in BRANCHES}).values())
    queue, baselines = queue_of(tickets), desk.baselines()
    progress = desk.find_green_head(queue, baselines=baselines)
    Slowness(progress=progress, baselines=baselines, needs=queue.needs).judge()
    result = DayResult(state=State.GREEN, tickets=tickets, progress=progress, runner=desk.runner)
    return desk, write_record(desk.day, result)


def test_slower_files_and_who_makes_them_so(scene: Scene, tmp_path: Path) -> None:
    _, record = judge(scene, tmp_path / "state")
    alone, pair = record.gates["unit"].slower
    assert (alone.file, alone.tickets, pair.file, pair.tickets) == ("a.test", (2,), "b.test", (4, 1))
    assert alone.low < 2 < alone.high
    assert pair.evidence[0].endswith("runs each way: with #1 and #4, and with #1")
    assert {each.number: each.slowdowns for each in record.tickets if each.slowdowns} == {2: (alone,), 4: (pair,)}
    assert {each.verdict for each in record.tickets} == {Verdict.INTEGRATED}
    assert record.tickets[3].reason == "it makes b.test slower"
    assert "slower together with #1" in plain_report(record)


def test_a_run_is_only_compared_with_the_one_beside_it(scene: Scene, tmp_path: Path) -> None:
    desk, record = judge(scene, tmp_path / "state")
    probes = [each for each in record.probes if each.purpose is Purpose.SLOWNESS]
    assert [probes[place].tree for place in (0, 3)] == [scene.merger.bare.tree] * 2, "which is first alternates"
    attempts = [(each.attempt, each.files) for each in probes]
    assert all(attempts.count(each) == 2 for each in attempts)
    again, repeated = judge(scene, tmp_path / "state")
    assert (again.engine.probes, repeated.gates["unit"].slower) == ([], record.gates["unit"].slower)
    assert desk.engine.probes


def test_the_search_ends_with_its_share_of_the_day(scene: Scene, tmp_path: Path) -> None:
    _, record = judge(scene, tmp_path / "state", seconds=100.0)
    assert not record.gates["unit"].slower
    assert record.gates["unit"].pace_unknown.startswith("2 files could not be judged")
    assert "Not all slower files of unit are known" in plain_report(record).replace("\n", " ")


def test_a_gate_that_cannot_select_files_runs_whole(scene: Scene, tmp_path: Path) -> None:
    desk, record = judge(scene, tmp_path / "state", run="check seed={seed} a.test b.test c.test")
    assert [each.tickets for each in record.gates["unit"].slower] == [(2,), (4, 1)]
    assert all(files == ["a.test", "b.test", "c.test"] for files in desk.tested_files())


def test_a_budget_that_ends_is_told(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object) -> None:
        raise BudgetEndedError("the budget ended")

    monkeypatch.setattr("sessions.day.slowness.SlownessPairs.judge", end)
    _, record = judge(scene, tmp_path / "state")
    assert record.gates["unit"].pace_unknown == "the budget ended"
    assert {each.verdict for each in record.tickets} == {Verdict.INTEGRATED}


def test_a_slower_file_is_told_even_if_the_search_breaks(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise InfrastructureError("The table broke.")

    monkeypatch.setattr("sessions.day.slowness.SlownessSearch.name", break_down)
    _, record = judge(scene, tmp_path / "state")
    assert [(each.file, each.tickets) for each in record.gates["unit"].slower] == [("a.test", ()), ("b.test", ())]
    assert record.gates["unit"].pace_unknown == "The table broke"
    assert "which ticket brings that is not known" in plain_report(record).replace("\n", " ")


def test_without_a_factor_nothing_is_measured(scene: Scene, tmp_path: Path) -> None:
    desk, record = judge(scene, tmp_path / "state", slower=0.0)
    assert (len(desk.engine.probes), record.gates["unit"].slower) == (2, ())
