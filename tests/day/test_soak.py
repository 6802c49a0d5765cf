"""The soak of a head: a real repository and a real ledger, with the table engine."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from sessions.day.run_record import DayResult, write_record
from sessions.gates.flake_source import FlakeSource
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record import RecordedTicket, State
from sessions.source.line import Queue
from sessions.terminal.errors import InfrastructureError
from sessions.tickets.model import Verdict
from tests.day.engine import UNIT, Desk
from tests.repositories import DATE, Builder, Scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Mode = Literal["off", "tell", "refuse"]


@pytest.fixture
def scene(builder: Builder, tmp_path: Path) -> Scene:
    """Tickets 1 brings a steady test, 2 one that fails in a fifth of the runs, and 4 makes an old test flaky.

    5 changes no test, and 6 needs 2. 7 brings a test that fails if only its file runs.
    """
    builder.commit({"a.test": "one pass\n", "c.test": "sure pass\n"})
    builder.tag("1.0")
    builder.commit({"new1.test": "steady pass\n"}, "1.0", branch="t1")
    builder.commit({"new2.test": "shaky every 5\nfirm pass\n"}, "1.0", branch="t2")
    builder.commit({"c.test": "sure odd\n"}, "1.0", branch="t4")
    builder.commit({"five": "5"}, "1.0", branch="t5")
    builder.commit({"x": "6"}, "t2", branch="t6")
    builder.commit({"new7.test": "lonely with 2\n"}, "1.0", branch="t7")
    return Scene.of(builder, tmp_path / "state")


def soak(
    scene: Scene,
    state: Path,
    *branches: str,
    mode: Mode = "tell",
    day: int = 0,
    seconds: float = 1.0,
    fails_on: str = "",
) -> tuple[Desk, dict[int, RecordedTicket]]:
    """Find the green head of some tickets, and return its record's tickets."""
    state.mkdir(exist_ok=True)
    desk = Desk.of(scene, state, gates=(replace(UNIT, soak=mode),))
    desk.engine.seconds, desk.engine.fails_on = seconds, fails_on
    options = replace(desk.day.options, date=DATE.replace(day=DATE.day + day))
    desk.day = replace(desk.day, options=options)
    tickets = tuple(scene.tickets(**{branch: int(branch[1:]) for branch in branches}).values())
    needs = {each.number: frozenset({2} if each.number == 6 else ()) for each in tickets}
    queue = Queue(tickets=tickets, needs=needs)
    progress = desk.find_green_head(queue)
    result = DayResult(state=State.GREEN, tickets=tickets, progress=progress, runner=desk.runner)
    return desk, {each.number: each for each in write_record(desk.day, result).tickets}


def test_a_ticket_is_told_that_it_brings_a_flaky_test(scene: Scene, tmp_path: Path) -> None:
    desk, tickets = soak(scene, tmp_path / "state", "t1", "t2", "t5")
    assert {each.verdict for each in tickets.values()} == {Verdict.INTEGRATED}
    assert not tickets[5].soaks
    [steady], [soaked] = tickets[1].soaks, tickets[2].soaks
    assert (steady.files, steady.runs, steady.enough, steady.flakes) == (("new1.test",), 59, 59, ())
    [flake] = soaked.flakes
    assert (str(flake.test), flake.source) == ("new2.test::shaky", FlakeSource.TICKET)
    assert flake.low < 0.2 < flake.high
    assert flake.evidence == (
        f"fails in {flake.fails} of {flake.runs} runs with #2",
        "does not exist with the release alone",
    )
    assert tickets[2].reason == "it brings a flaky test: new2.test::shaky"
    assert desk.tested_files()[2:61] == [["new1.test", "new2.test"]] * 59
    seeds = [probe.steps[-1].command.split()[1] for probe in desk.engine.probes]
    assert len({*seeds[2:61]}) == 59, "each run has a seed of its own"


def test_a_ticket_that_brings_a_flaky_test_leaves_with_what_needs_it(scene: Scene, tmp_path: Path) -> None:
    _, tickets = soak(scene, tmp_path / "state", "t2", "t5", "t6", mode="refuse")
    assert {number: each.verdict for number, each in tickets.items()} == {
        2: Verdict.FLAKY,
        5: Verdict.INTEGRATED,
        6: Verdict.BLOCKED,
    }
    assert tickets[2].reason == "it brings a flaky test: new2.test::shaky"
    assert tickets[2].soaks[0].flakes


def test_a_ticket_makes_an_old_test_flaky(scene: Scene, tmp_path: Path) -> None:
    _, tickets = soak(scene, tmp_path / "state", "t4", "t5")
    [flake] = tickets[4].soaks[0].flakes
    assert flake.source is FlakeSource.TICKET
    assert flake.evidence[1].startswith("passes in all of ")


def test_no_ticket_answers_for_a_test_that_was_flaky_before(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"b.test": "old every 4\n"})
    builder.tag("1.0")
    builder.commit({"b.test": "old every 4\nmore pass\n"}, "1.0", branch="t3")
    _, tickets = soak(Scene.of(builder, tmp_path / "state"), tmp_path / "state", "t3", mode="refuse")
    assert tickets[3].verdict is Verdict.INTEGRATED
    [flake] = tickets[3].soaks[0].flakes
    assert (str(flake.test), flake.source) == ("b.test::old", FlakeSource.BEFORE)


def test_no_ticket_answers_for_a_test_that_depends_on_other_files(scene: Scene, tmp_path: Path) -> None:
    _, tickets = soak(scene, tmp_path / "state", "t7", mode="refuse")
    assert tickets[7].verdict is Verdict.INTEGRATED
    [flake] = tickets[7].soaks[0].flakes
    assert (flake.source, flake.fails) == (FlakeSource.ALWAYS, flake.runs)


def test_the_same_day_and_the_next_soak_nothing_again(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / "state"
    _, first = soak(scene, state, "t1", "t2")
    desk, again = soak(scene, state, "t1", "t2")
    assert (desk.engine.probes, again) == ([], first)
    desk, tomorrow = soak(scene, state, "t1", "t2", "t5", day=1)
    assert desk.tested_files() == [["a.test", "c.test", "new1.test", "new2.test"]]
    assert (tomorrow[1].soaks, tomorrow[2].soaks) == (first[1].soaks, first[2].soaks)


def test_a_soak_ends_with_its_share_and_the_next_day_goes_on(scene: Scene, tmp_path: Path) -> None:
    state = tmp_path / "state"
    desk, tickets = soak(scene, state, "t1", seconds=100.0)
    [short] = tickets[1].soaks
    assert short.runs == len(desk.engine.probes) - 2 < 10
    assert "soak_share" in short.why_not
    _, tickets = soak(scene, state, "t1", "t5", day=1)
    [whole] = tickets[1].soaks
    assert (whole.runs, whole.since, whole.why_not) == (59, short.since, "")


def test_trouble_with_a_machine_is_no_failed_run(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Desk.of(scene, tmp_path).engine.__class__.run

    def break_down(engine: object, probe: object, listen: object) -> object:
        if len(engine.probes) == 5:  # type: ignore[attr-defined]
            raise InfrastructureError("The table broke")
        return run(engine, probe, listen)  # type: ignore[arg-type]

    monkeypatch.setattr("tests.day.engine.TableEngine.run", break_down)
    _, tickets = soak(scene, tmp_path / "told", "t1")
    [stopped] = tickets[1].soaks
    assert (stopped.runs, stopped.why_not, stopped.flakes) == (0, "The table broke", ())
    with pytest.raises(InfrastructureError, match="The table broke"):
        soak(scene, tmp_path / "refused", "t1", mode="refuse")


def test_without_a_soak_nothing_runs_and_nothing_is_recorded(scene: Scene, tmp_path: Path) -> None:
    desk, tickets = soak(scene, tmp_path / "state", "t1", "t2", mode="off")
    assert len(desk.engine.probes) == 2
    assert all(not each.soaks for each in tickets.values())


def test_a_killed_soak_repeats_one_run(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed, expected = soak(scene, tmp_path / "whole", "t1")
    with monkeypatch.context() as patched:
        patched.setattr("sessions.ledger.ledger.Ledger.write", _dying(30))
        with pytest.raises(KeyboardInterrupt):
            soak(scene, tmp_path / "killed", "t1")
    desk, tickets = soak(scene, tmp_path / "killed", "t1")
    assert len(desk.engine.probes) + 29 == len(undisturbed.engine.probes)
    assert tickets == expected


def _dying(at: int) -> Callable[..., None]:
    write, count = Ledger.write, itertools.count(1)

    def dying(ledger: Ledger, key: Key, result: ProbeResult) -> None:
        if next(count) == at:
            raise KeyboardInterrupt
        write(ledger, key, result)

    return dying
