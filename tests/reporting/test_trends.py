"""The figures of many days, as others read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from sessions.ledger.record_file import parse_record
from sessions.reporting.trends import figures_of_tests, write_trends
from tests.reporting.big_day import big_day

Record = dict[str, Any]


def day(date: str, **gate: list[str]) -> Record:
    """A day whose one gate has these tests, and whose tickets break nothing."""
    record = big_day(size=6, date=date)
    for ticket in record["tickets"]:
        ticket |= {"verdict": "integrated", "broke": []}
    record["gates"]["doctest"] |= {"new": [], "known": [], "flaky": []} | gate
    return record


def figures(days: list[Record]) -> list[tuple[Any, ...]]:
    columns = ("test", "new", "known", "flaky", "first_flaky", "last_seen")
    return [
        tuple(row[column] for column in columns)
        for row in figures_of_tests([*map(parse_record, days)])
        if row["gate"] == "doctest"
    ]


def test_tests_are_counted_by_day_and_the_most_frequent_come_first() -> None:
    days = [
        day("2026-11-20", new=["a"], known=["k"]),
        day("2026-11-21", flaky=["a"], known=["k"]),
        day("2026-11-22", flaky=["a", "b"]),
    ]
    assert figures(days) == [
        ("a", 1, 0, 2, "2026-11-21", "2026-11-22"),
        ("b", 0, 0, 1, "2026-11-22", "2026-11-22"),
        ("k", 0, 2, 0, "", "2026-11-21"),
    ]


def test_what_a_ticket_at_fault_breaks_counts_once_a_day() -> None:
    first = day("2026-11-20", new=["a"])
    for ticket in first["tickets"][:2]:
        ticket["broke"] = [{"gate": "doctest", "test": "a", "with": [], "message": "", "evidence": [], "reproduce": ""}]
    assert figures([first]) == [("a", 1, 0, 0, "", "2026-11-20")]


def test_tables_are_csv_and_json_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    for date, state in (("2026-11-20", "red"), ("2026-11-21", "green"), ("2026-11-22", "green")):
        record = day(date, flaky=["=HYPERLINK(1)", 'a "quoted", test\n\x1b[31m'])
        record["state"] = state
        record["tickets"][0] |= {"verdict": "conflict", "title": "@SUM(1)"}
        path = tmp_path / "days" / date / "run.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
    assert write_trends(tmp_path / "days", tmp_path / "out") == 3

    made = json.loads((tmp_path / "out" / "trends.json").read_text())
    assert made["summary"] == {"days": 3, "green_days": 2}
    assert [row["state"] for row in made["days"]] == ["red", "green", "green"]
    tables = {
        name: list(csv.DictReader((tmp_path / "out" / f"{name}.csv").read_text().splitlines()))
        for name in made
        if name != "summary"
    }
    assert {name: len(rows) for name, rows in tables.items()} == {name: len(made[name]) for name in tables}
    assert [row["test"] for row in tables["tests"] if row["flaky"] == "3"] == ["'=HYPERLINK(1)", 'a "quoted", test']
    assert tables["waiting"][0] | {"reason": ""} == {
        "number": str(made["waiting"][0]["number"]),
        "title": "'@SUM(1)",
        "verdict": "conflict",
        "reason": "",
        "since": "2026-11-20",
        "days": "3",
    }
    assert float(tables["days"][0]["probe_seconds"]) == made["days"][0]["probe_seconds"]


def test_no_day_makes_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    assert write_trends(tmp_path / "days", tmp_path / "out") == 0
    assert (tmp_path / "out" / "days.csv").read_text() == ""
