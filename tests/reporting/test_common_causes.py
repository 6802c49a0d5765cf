"""Failures with one cause are told together, and a release with many known failures is told first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.gates.results import TestId
from sessions.ledger.record import (
    Ran,
    Record,
    RecordedBreakage,
    RecordedCause,
    RecordedTestChanges,
    TestCounts,
)
from sessions.ledger.record_file import parse_record, record_data
from sessions.reporting.account import render_account
from sessions.reporting.actions import summary
from sessions.reporting.common_causes import alike, release_warning
from sessions.reporting.html import page
from sessions.reporting.junit import junit
from sessions.reporting.markdown import markdown_report
from sessions.reporting.provisos import provisos
from sessions.reporting.record_view import changes_to_tests
from sessions.reporting.text import plain_report
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "ModuleNotFoundError: No module named 'numpy'"
KNOWN = tuple(TestId("old.py", f"t{n}") for n in range(60))
NEW = TestId("new.py", "t")


def day_with_causes() -> Record:
    day = parse_record(big_day(8))
    cause = RecordedCause(words=WORDS, file="setup.py", known=KNOWN[:58], new=(NEW,))
    ran = Ran(
        release=TestCounts(tests=480, passed=420, failed=60, skipped=0),
        head=TestCounts(tests=481, passed=420, failed=61, skipped=0),
    )
    gate = replace(day.gates["doctest"], known=KNOWN, causes=(cause,), ran=ran)
    first = next(each for each in day.tickets if each.verdict is Verdict.INTEGRATED)
    bringing = replace(first, tests=RecordedTestChanges(brings=2, as_release=(NEW,)))
    tickets = tuple(bringing if each is first else each for each in day.tickets)
    return replace(day, gates={"doctest": gate}, tickets=tickets)


def test_a_release_with_many_known_failures_is_told_on_top_of_every_report(tmp_path: Path) -> None:
    record = day_with_causes()
    start = f"60 of 480 tests of doctest fail on 10.5.beta3 itself, 58 of them with {WORDS} (in setup.py). New failures"
    assert release_warning(record).startswith(start)
    assert "60 of 480 tests" in plain_report(record).split("\n\n")[1]
    assert "60 of 480 tests" in markdown_report(record).split("\n\n")[1]
    assert "60 of 480 tests" in page(record, tmp_path).partition("<h1>")[0]
    assert "60 of 480 tests" in summary(record).split("\n\n")[1]
    assert release_warning(parse_record(big_day(8))) == ""


def test_known_failures_that_end_alike_are_told_once(tmp_path: Path) -> None:
    record = day_with_causes()
    text = plain_report(record)
    assert f"58 known in doctest end with the same words: {WORDS} (in setup.py)" in text
    assert "    new, and for the release's own reason: new.py::t" in text
    assert [line for line in text.splitlines() if line.startswith("known in")] == [
        "known in doctest: old.py::t58",
        "known in doctest: old.py::t59",
    ]
    assert "58 known failures end with the same words, in setup.py" in page(record, tmp_path)
    assert "58 known in doctest end with the same words" in markdown_report(record)


def test_a_new_test_with_the_releases_reason_is_told_and_not_held_against_its_ticket() -> None:
    record = day_with_causes()
    assert f"1 new test of doctest fails for 10.5.beta3's own reason, as 58 known failures: {WORDS} (in setup.py)." in (
        provisos(record)
    )
    ticket = next(each for each in record.tickets if each.tests.as_release)
    assert changes_to_tests(ticket) == "adds 2 tests, 1 of which fails for the release's own reason"
    comment = render_account(record, ticket, MARKDOWN)
    assert "it fails for the release's own reason, which keeps no ticket out: ModuleNotFoundError" in comment
    assert "it fails for the release's own reason" in junit(record, "doctest")


def test_the_record_says_nothing_of_causes_where_there_are_none() -> None:
    record = day_with_causes()
    assert parse_record(record_data(record)) == record
    assert "causes" not in record_data(parse_record(big_day(8)))["gates"]["doctest"]


def broken(name: str, message: str) -> RecordedBreakage:
    return RecordedBreakage(
        gate="g", test=TestId("a.py", name), with_=(), message=message, evidence=("fails",), reproduce=""
    )


def test_tests_that_a_ticket_breaks_in_one_way_are_told_together() -> None:
    raised = ">   x()\nE   ValueError: no\n\nsrc/x.py:3: ValueError"
    groups = alike([broken("a", raised), broken("b", "odd"), broken("c", raised), broken("d", "odd")])
    assert [(group.first.test.name, [each.name for each in group.others]) for group in groups] == [
        ("a", ["c"]),
        ("b", []),
        ("d", []),
    ]
