"""The report of a day that is still running."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.day.progress import Progress
from sessions.day.running_report import RunningReport
from sessions.ledger.record import Record, State
from sessions.ledger.record_file import record_of_day
from sessions.source.line import Queue, merge_line
from sessions.tickets.model import Verdict
from tests.day.engine import Desk, queue_of
from tests.repositories import Builder, Scene

if TYPE_CHECKING:
    from pathlib import Path


def test_each_stage_is_reported_with_what_is_known_so_far(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a.test": "one pass\n"})
    builder.tag("1.0")
    builder.commit({"a.test": "one fail\n"}, "1.0", branch="t1")
    builder.commit({"x": "x"}, "1.0", branch="t2")
    state = tmp_path / "state"
    desk = Desk.of(Scene.of(builder, state), state)
    numbers = desk.scene.tickets(t1=1, t2=2)
    queue = queue_of(numbers.values())
    progress = Progress(line=merge_line(queue, desk.scene.merger, {}))
    report = RunningReport(day=desk.day, tickets=queue.tickets, progress=progress, runner=desk.runner, pace=0.0)
    written: list[Record] = []

    def on_stage(stage: str) -> None:
        report.write(stage)
        if record := record_of_day(desk.day.folder):
            written.append(record)

    desk.find_green_head(queue, progress=progress, on_stage=on_stage)
    assert {each.state for each in written} == {State.RUNNING}
    assert [each.message.partition(";")[0] for each in written] == [
        "unit runs on the head with 2 tickets",
        "the culprits of what fails are searched for",
        "unit runs on the head with 1 ticket",
    ]
    assert [{each.number: each.verdict for each in record.tickets} for record in written] == [
        {1: Verdict.NOT_REACHED, 2: Verdict.NOT_REACHED},
        {1: Verdict.NOT_REACHED, 2: Verdict.NOT_REACHED},
        {1: Verdict.CULPRIT, 2: Verdict.NOT_REACHED},
    ]
    assert progress.line.decisions[2].verdict is Verdict.INTEGRATED
    assert '<meta http-equiv="refresh"' in (desk.day.folder / "report.html").read_text(encoding="utf-8")


def test_a_short_day_is_not_reported_before_its_end(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a.test": "one pass\n"})
    builder.tag("1.0")
    state = tmp_path / "state"
    desk = Desk.of(Scene.of(builder, state), state)
    desk.day = replace(desk.day, started=float("inf"))
    progress = Progress(line=merge_line(Queue(tickets=(), needs={}), desk.scene.merger, {}))
    RunningReport(day=desk.day, tickets=(), progress=progress, runner=desk.runner).write("it begins")
    assert record_of_day(desk.day.folder) is None
