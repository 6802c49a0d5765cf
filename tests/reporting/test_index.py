from __future__ import annotations

import json
from pathlib import Path

from sessions.ledger.record import Record
from sessions.ledger.record_file import parse_record
from sessions.reporting.index import flakes, index, read_days, stays
from tests.reporting.big_day import big_day, write_days
from tests.reporting.hostile import HOSTILE, poisoned
from tests.reporting.test_html import Shape, like


def day(date: str, out: dict[int, str], flaky: tuple[str, ...] = (), first: int = 0) -> Record:
    record = big_day(size=6, date=date)
    for ticket in record["tickets"]:
        ticket["verdict"] = out.get(ticket["number"], "integrated")
    record["gates"]["doctest"]["flaky"] = list(flaky)
    record["tickets"] = record["tickets"][first:]
    return parse_record(record)


def test_tickets_that_stay_out_longest_come_first() -> None:
    days = [
        day("2026-11-20", {36001: "conflict", 36002: "culprit", 36003: "conflict"}),
        day("2026-11-21", {36001: "blocked", 36003: "conflict"}),
        day("2026-11-22", {36001: "conflict", 36002: "culprit", 36004: "ineligible"}),
    ]
    assert [(each.number, each.days, each.since) for each in stays(days)] == [
        (36001, 3, "2026-11-20"),
        (36002, 1, "2026-11-22"),
    ]


def test_a_day_that_was_asked_about_others_ends_no_stay() -> None:
    other = day("2026-11-21", {}, first=4)
    days = [day("2026-11-20", {36001: "conflict"}), other, day("2026-11-22", {36001: "conflict"})]
    assert [(each.number, each.days) for each in stays(days)] == [(36001, 2)]


def test_flaky_tests_are_ranked_by_days() -> None:
    days = [day("2026-11-20", {}, ("b", "a")), day("2026-11-21", {}, ("a",)), day("2026-11-22", {})]
    assert [(str(each.test), each.days, each.last) for each in flakes(days)] == [
        ("a", 2, "2026-11-21"),
        ("b", 1, "2026-11-20"),
    ]


def test_plans_and_spoilt_records_are_passed_over(tmp_path: Path) -> None:
    write_days(tmp_path, count=3, size=10)
    days = tmp_path / "days"
    (days / "2026-11-22" / "run.json").write_text("{")
    (days / "2026-11-24-plan").mkdir()
    (days / "2026-11-24-plan" / "run.json").write_text(json.dumps(big_day(size=3, date="2026-11-24")))
    (days / "2026-11-25").mkdir()
    assert [record.date for record in read_days(days)] == ["2026-11-21", "2026-11-23"]


def test_every_day_is_linked_the_newest_first(tmp_path: Path) -> None:
    write_days(tmp_path, count=5, size=20)
    links = Shape(index(read_days(tmp_path / "days"))).links
    dates = [link.split("/")[0] for link in links if link.endswith("/report.html")]
    assert dates[-5:] == ["2026-11-23", "2026-11-22", "2026-11-21", "2026-11-20", "2026-11-19"]


def test_no_day_yet_has_a_page_too(tmp_path: Path) -> None:
    assert "No day has been integrated yet" in index(read_days(tmp_path))


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23" / "run.json"
    path.parent.mkdir()

    def shape(text: str) -> Shape:
        path.write_text(json.dumps(poisoned(text)))
        return Shape(index(read_days(tmp_path)))

    for text in HOSTILE:
        assert shape(text).tags == shape(like(text)).tags
