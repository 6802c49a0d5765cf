"""What the word green leaves unsaid, and what is new since the day before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.gates.results import TestId
from sessions.ledger.record import GateState, Record, RecordedGate, RecordedOptions, State
from sessions.ledger.record_file import parse_record, save_record
from sessions.reporting.html import page
from sessions.reporting.markdown import markdown_report
from sessions.reporting.news import changes_since, news_of
from sessions.reporting.provisos import provisos
from sessions.reporting.text import plain_report
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day

ONE, TWO = (TestId("a.py", "f"),), (TestId("a.py", "f"), TestId("a.py", "g"))
DAY = parse_record(big_day(8))
QUIET = replace(DAY.gates["doctest"], known=(), gone=(), skipped=(), flaky=(), notes=(), mended_by=(), new=())


def with_gate(gate: RecordedGate) -> Record:
    return replace(DAY, gates={"doctest": gate}, trunk=None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda gate: replace(gate, known=TWO), "2 tests of doctest fail on 10.5.beta3, too."),
        (lambda gate: replace(gate, known=ONE), "1 test of doctest fails on 10.5.beta3, too."),
        (lambda gate: replace(gate, gone=ONE), "1 test of doctest is gone, as tickets delete or rename them."),
        (lambda gate: replace(gate, skipped=TWO), "2 tests of doctest ran on 10.5.beta3 and are skipped."),
        (lambda gate: replace(gate, ignored=TWO), "2 tests of doctest fail anew, which a hint says to ignore."),
        (
            lambda gate: replace(gate, broken_by_fixes=ONE),
            "1 test of doctest fails because of the fixes that the baseline has.",
        ),
        (lambda gate: replace(gate, flaky=ONE), "1 test of doctest is flaky."),
        (lambda gate: replace(gate, state=GateState.PENDING), "doctest has not run on this head."),
        (lambda gate: replace(gate, mended_by=(3, 4)), "doctest was measured on 10.5.beta3 with #3, #4."),
        (lambda gate: replace(gate, notes=("it was cut",)), "The report of doctest had to be repaired: it was cut."),
    ],
)
def test_what_green_leaves_unsaid_is_said_on_top_of_every_report(
    change: Callable[[RecordedGate], RecordedGate], sentence: str, tmp_path: Path
) -> None:
    assert provisos(with_gate(QUIET)) == []
    record = with_gate(change(QUIET))
    assert provisos(record) == [sentence]
    assert f"<li>{sentence}</li>" in page(record, tmp_path).partition("<main>")[0]
    assert f"\n{sentence}\n" in plain_report(record).partition("GATES")[0]
    assert "\n- " in markdown_report(record).partition("## Gates")[0]


def test_a_plan_calls_nothing_integrated(tmp_path: Path) -> None:
    plan = replace(DAY, options=RecordedOptions(plan=True), state=State.EMPTY, message="3 tickets would be merged")
    html, text, markdown = page(plan, tmp_path), plain_report(plan), markdown_report(plan)
    assert ">Plan</h1>" in html
    assert "would be merged" in html.partition("<main>")[0]
    assert text.startswith("sage 10.5.beta3, 2026-11-23: plan\n\nPlan: 3 tickets would be merged.")
    assert markdown.startswith("# sage 10.5.beta3, 2026-11-23: plan\n")
    assert "  integrated" not in text
    assert "| integrated |" not in markdown
    assert ">integrated<" not in html


def with_verdicts(date: str, **more: Verdict) -> Record:
    [ticket, *_] = DAY.tickets
    tickets = tuple(replace(ticket, number=int(name[1:]), verdict=verdict) for name, verdict in more.items())
    return replace(DAY, date=date, tickets=tickets)


def test_what_changed_since_the_day_before_is_said_by_kind() -> None:
    before = with_verdicts(
        "2026-11-22", t1=Verdict.INTEGRATED, t2=Verdict.INTEGRATED, t3=Verdict.CONFLICT, t4=Verdict.INTEGRATED
    )
    now = with_verdicts(
        "2026-11-23", t1=Verdict.INTEGRATED, t2=Verdict.CULPRIT, t3=Verdict.INTEGRATED, t5=Verdict.BLOCKED
    )
    assert list(changes_since(before, replace(now, state=State.RED, release="10.5"))) == [
        "The release is 10.5; it was 10.5.beta3.",
        "The day is red; it was green.",
        "In the head: #3.",
        "Break a test: #2.",
        "Wait for another ticket: #5.",
        "No longer open: #4.",
    ]
    assert list(changes_since(before, before)) == []


def test_the_page_compares_with_the_newest_day_before_it_that_was_no_plan(tmp_path: Path) -> None:
    days = tmp_path / "days"
    for date, verdict, plan in (
        ("2026-11-20", Verdict.CONFLICT, False),
        ("2026-11-21", Verdict.CULPRIT, False),
        ("2026-11-22", Verdict.INTEGRATED, True),
        ("2026-11-24", Verdict.INTEGRATED, False),
    ):
        record = replace(with_verdicts(date, t7=verdict), options=RecordedOptions(plan=plan))
        save_record(record, days / date)
    today = with_verdicts("2026-11-23", t7=Verdict.INTEGRATED)
    assert (news_of(today, days).since, news_of(today, days).sentences) == ("2026-11-21", ("In the head: #7.",))
    assert "<h2>Since 2026-11-21</h2>\n<ul><li>In the head: #7.</li></ul>" in page(today, tmp_path)
    assert "<h2>Since" not in page(with_verdicts("2026-11-20", t7=Verdict.CULPRIT), tmp_path)
