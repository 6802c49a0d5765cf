"""The report as plain text: what a pipe, a log and a mail show."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings

from sessions.gates.results import TestId
from sessions.ledger.record import State
from sessions.ledger.record_file import parse_record
from sessions.reporting.text import plain_report
from sessions.reporting.verdicts import verdict_text
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day
from tests.reporting.test_markdown import STEERING, hostile, record, words_of


def test_each_ticket_is_one_line_and_the_head_comes_first() -> None:
    day = parse_record(big_day(80))
    rows = re.findall(r"^(\d+) +([a-z-]+) +(.*)$", plain_report(day).partition("\nTICKETS\n")[2], re.MULTILINE)
    assert [int(number) for number, _, _ in rows[: len(day.order)]] == list(day.order)
    found = {int(number): (verdict, words) for number, verdict, words in rows}
    for ticket in day.tickets:
        verdict, words = found[ticket.number]
        assert verdict == ticket.verdict
        assert words.startswith(ticket.title)
        assert ticket.reason in words


def test_names_can_be_copied() -> None:
    day = parse_record(big_day(80))
    name = TestId("tests/test_a_b.py", "TestX::test_y[#1-<2>|3]")
    gate = replace(day.gates["doctest"], known=(name,))
    text = plain_report(replace(day, release="1.1.beta1", gates={"doctest": gate}))
    assert "\nknown in doctest: tests/test_a_b.py::TestX::test_y[#1-<2>|3]\n" in text
    assert text.startswith("sage 1.1.beta1, 2026-11-23: green\n\nGreen: ")
    for ticket in day.culprits:
        for broke in ticket.broke:
            assert f"Breaks {broke.test} ({broke.gate})" in text


@settings(deadline=None, max_examples=25)
@given(hostile)
def test_no_text_steers_a_terminal_or_makes_more_lines(text: str) -> None:
    if not words_of(text):
        return
    shown = plain_report(parse_record(record(text)))
    assert not STEERING.search(shown)
    quiet = plain_report(parse_record(record("words")))
    lines = [line for line in shown.split("\n") if not line.startswith("    ")]
    assert len(lines) == len([line for line in quiet.split("\n") if not line.startswith("    ")])


def test_no_line_is_a_command_of_a_ci_runner() -> None:
    day = parse_record(record("::error::no\n::add-mask::x\n##[error]y"))
    text = plain_report(day)
    assert "error" in text
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


def test_a_day_without_tickets_or_gates_has_a_report() -> None:
    day = replace(
        parse_record(big_day(3)), tickets=(), order=(), gates={}, state=State.EMPTY, message="no ticket is ready"
    )
    assert "\nEmpty: no ticket is ready.\n" in plain_report(day)
    assert plain_report(day).endswith("TICKETS\n\nnone\n")


def test_every_verdict_is_shown() -> None:
    [ticket, *_] = parse_record(big_day(3)).tickets
    day = parse_record(big_day(3))
    tickets = tuple(replace(ticket, number=number, verdict=verdict) for number, verdict in enumerate(Verdict, 1))
    text = plain_report(replace(day, tickets=tickets, order=()))
    for verdict in Verdict:
        assert f"  {verdict_text(verdict, is_plan=False)}" in text
