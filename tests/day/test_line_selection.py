from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.day.line_selection import LineSelection, describe_best
from sessions.day.previous_set import previous_tickets
from sessions.source.line import Queue
from sessions.tickets.model import Decision, Verdict
from tests.day.engine import Desk
from tests.repositories import Builder, Scene, lines

if TYPE_CHECKING:
    from pathlib import Path


def selection(builder: Builder, folder: Path) -> LineSelection:
    """1 conflicts with 2 and 3, which go together; 4 is new; 5 needs 1; 6 brings nothing; 7 needs 6."""
    first = builder.commit({"a": lines(), "VERSION": "1.0\n"})
    builder.tag("1.0")
    builder.commit({"a": lines((5, "one"), (20, "one"))}, first, branch="t1")
    builder.commit({"a": lines((5, "two"))}, first, branch="t2")
    builder.commit({"a": lines((20, "three"))}, first, branch="t3")
    builder.commit({"b": "4\n"}, first, branch="t4")
    builder.commit({"c": "5\n"}, first, branch="t5")
    builder.commit({}, first, branch="t6")
    builder.commit({"d": "7\n"}, first, branch="t7")
    scene = Scene.of(builder, folder / "state")
    desk = Desk.of(scene, folder / "state")
    settings = replace(desk.config.tickets[0], select="best")
    day = replace(desk.day, config=replace(desk.config, tickets=(settings,)))
    tickets = tuple(scene.tickets(**{f"t{number}": number for number in range(1, 8)}).values())
    needs = {number: frozenset[int]() for number in range(1, 8)} | {5: frozenset([1]), 7: frozenset([6])}
    return LineSelection(day=day, queue=Queue(tickets=tickets, needs=needs))


def test_the_best_set_comes_first_and_the_others_are_told_with_what_they_would_be_in(
    builder: Builder, tmp_path: Path
) -> None:
    lines = selection(builder, tmp_path)
    line = lines.explain(lines.merge({}))
    assert line.head.tickets == (1, 4, 5, 7), "of sets that are as good, that with the first ticket"
    assert line.decisions[6].verdict is Verdict.ALREADY_MERGED
    assert {n: line.decisions[n].reason for n in (2, 3)} == {
        2: "it conflicts with #1 in a; it would be in, together with #3, without #1 and #5",
        3: "it conflicts with #1 in a; it would be in, together with #2, without #1 and #5",
    }
    assert lines.best
    assert describe_best(lines.best, 7, ()) == (
        "the best set has 4 of 7: none is better, if what conflicts also conflicts in a larger set"
    )


def test_tickets_that_were_taken_out_are_no_part_of_the_choice(builder: Builder, tmp_path: Path) -> None:
    lines = selection(builder, tmp_path)
    culprit = Decision(verdict=Verdict.CULPRIT, reason="it breaks everything")
    line = lines.explain(lines.merge({5: culprit}))
    assert line.head.tickets == (2, 3, 4, 7)
    assert line.decisions[1].reason == "it conflicts with #2 in a; it would be in without #2 and #3"
    assert line.decisions[5] == culprit


def test_no_day_before_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "days" / "2026-11-22").mkdir(parents=True)
    (tmp_path / "days" / "2026-11-22" / "run.json").write_text("{", encoding="utf-8")
    assert previous_tickets(tmp_path, "2026-11-23") == frozenset()
