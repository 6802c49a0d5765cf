from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from sessions.gates.results import TestId
from sessions.ledger.record import Purpose, Ran, RecordedProbe, RecordedTestChanges, TestCounts
from sessions.ledger.record_file import parse_record
from sessions.reporting.pictures import draw_line, draw_search, draw_time, spent
from sessions.reporting.record_view import (
    Outcomes,
    by_urgency,
    changes_to_tests,
    counts,
    passed,
    probes_that_show,
    queue,
    sides,
)
from tests.reporting.big_day import big_day

Record = dict[str, Any]


def probe(**more: object) -> Record:
    plain = {"gate": "doctest", "why": "with #1", "tickets": [1], "failed": [], "failures": 0, "seconds": 1.0}
    return {**plain, "tree": "", "files": None, "attempt": 1, "log": "logs/a.log", **more}


def day(*probes: Record, flaky: tuple[str, ...] = (), known: tuple[str, ...] = ()) -> Record:
    gate = {"state": "green", "new": [], "known": list(known), "fixed": [], "flaky": list(flaky), "seconds": 1.0}
    return {**big_day(size=0), "gates": {"doctest": gate}, "probes": list(probes), "queue": []}


def parsed(*probes: Record) -> tuple[RecordedProbe, ...]:
    return parse_record(day(*probes)).probes


RELEASE = probe(why="on 1.0 itself", tickets=[], failed=["a.py::old", "crashed.py"])


@pytest.mark.parametrize(
    ("failed", "outcome"),
    [
        ([], "passes"),
        (["a.py::new"], "fails"),
        (["a.py::old"], "passes"),
        (["a.py::sometimes"], "passes"),
        (["crashed.py::any test"], "passes"),
        (["build"], "unclear"),
    ],
)
def test_a_probe_is_red_where_something_new_fails_in_it(failed: list[str], outcome: str) -> None:
    record = parse_record(day(RELEASE, probe(failed=failed), flaky=("a.py::sometimes",)))
    assert Outcomes(record).of(record.probes[1]) == outcome


def test_an_older_record_says_in_words_what_each_probe_ran_for() -> None:
    assert parsed(RELEASE)[0].purpose is Purpose.RELEASE
    assert parsed(probe(why="on the head with 3 tickets"))[0].purpose is Purpose.HEAD
    assert parsed(probe(why="first, on the head with 3 tickets"))[0].purpose is Purpose.HEAD
    assert parsed(probe(why="again, for flakes"))[0].purpose is Purpose.FLAKES
    assert parsed(probe(why="on 1.0 again, for flakes", tickets=[]))[0].purpose is Purpose.FLAKES
    assert parsed(probe(why="with #3 and #4 again"))[0].purpose is Purpose.SEARCH


def test_the_shortest_log_that_shows_it_is_the_one_shown() -> None:
    wide, narrow = probe(tickets=[1, 2, 3], failed=["t"]), probe(tickets=[1, 3], failed=["t"])
    culprit = next(iter(parse_record(big_day(size=40)).culprits))
    ticket = replace(culprit, number=3, broke=(replace(culprit.broke[0], gate="doctest", test=TestId("t")),))
    assert probes_that_show(parse_record(day(wide, narrow, probe(tickets=[3]))), ticket) == [*parsed(narrow)]
    assert probes_that_show(parse_record(day(wide)), replace(ticket, number=9)) == []


def test_what_a_diff_does_to_tests_is_one_clause() -> None:
    ticket = parse_record(big_day(size=1)).tickets[0]
    one, two = (TestId("a.py", "f"),), (TestId("a.py", "f"), TestId("a.py", "g"))
    assert changes_to_tests(ticket) == ""
    for changes, clause in (
        (RecordedTestChanges(brings=3, takes=two), "adds 3 tests, removes 2"),
        (RecordedTestChanges(brings=1, skips=one), "adds 1 test, skips 1"),
        (RecordedTestChanges(takes=one), "removes 1 test"),
    ):
        assert changes_to_tests(replace(ticket, tests=changes)) == clause


def test_a_gate_that_did_not_run_has_no_count() -> None:
    gate = parse_record(big_day(size=1)).gates["doctest"]
    ran = replace(gate, ran=Ran(head=TestCounts(tests=98, passed=97, failed=1, skipped=0)))
    assert (passed(ran, "head"), passed(ran, "release")) == ("97/98", "\N{EN DASH}")


def test_the_sides_of_a_conflict_are_parted_where_they_differ() -> None:
    hunk = "<<<<<<< merged so far\nsame\nx = f(a, 1)\n=======\nsame\nx = f(b, 1)\nmore\n>>>>>>> this ticket"
    told = sides(hunk)
    assert told
    ours, theirs = told
    assert [row.shared for row in ours] == [True, False]
    assert (ours[1].before, ours[1].differs, ours[1].after) == ("x = f(", "a", ", 1)")
    assert [row.before + row.differs + row.after for row in theirs] == ["same", "x = f(b, 1)", "more"]
    assert theirs[2].differs == "more"


def test_a_hunk_that_was_cut_has_two_sides_and_a_text_without_markers_has_none() -> None:
    told = sides("<<<<<<< merged so far\na\n=======\nb")
    assert told
    assert [len(side) for side in told] == [1, 1]
    assert sides("deleted here, changed there") is None
    assert sides("<<<<<<< merged so far\na\nb") is None
    assert sides("") is None


def test_those_who_have_to_act_come_first() -> None:
    record = big_day(size=60)
    verdicts = [each.verdict for each in by_urgency(parse_record(record))]
    assert verdicts == sorted(verdicts, key=list(counts(parse_record(record))).index)
    assert verdicts[0] == "culprit"
    assert sum(counts(parse_record(record)).values()) == 60


def test_an_older_record_tells_its_queue_by_its_longest_probe() -> None:
    assert queue(parse_record({**day(probe(tickets=[3, 1, 2]), probe(tickets=[3])), "order": [3, 4]})) == (3, 1, 2, 4)


def test_the_line_has_a_station_for_every_ticket_that_was_ready_and_an_arc_for_every_pair() -> None:
    record = big_day(size=30)
    picture = draw_line(parse_record(record))
    assert [station.ticket.number for station in picture.stations] == record["queue"]
    places = [station.x for station in picture.stations]
    assert places == sorted(places)
    assert picture.start < places[0]
    assert places[-1] < picture.end < picture.width
    ready = set(record["queue"])
    pairs = {
        (ticket["number"], other)
        for ticket in record["tickets"]
        for cause in (*ticket["broke"], *ticket["conflicts"])
        for other in cause["with"]
        if other in ready
    }
    assert pairs
    assert len(picture.arcs) == len(pairs)


def test_the_search_has_a_row_for_every_probe_and_its_cells_are_the_tickets() -> None:
    picture = draw_search(parse_record(big_day(size=20)))
    assert len(picture.rows) == len(big_day(size=20)["probes"])
    for row in picture.rows:
        assert row.path.count("M") == len(row.probe.tickets)
        assert row.y < picture.height
    assert {row.outcome for row in picture.rows} == {"fails", "passes"}


def test_neighbours_are_one_rectangle_where_a_gap_would_not_be_seen() -> None:
    picture = draw_search(parse_record(big_day(size=500)))
    assert picture.rows[1].path.count("M") == 1
    assert picture.right - picture.left <= 760
    middles = [x for _, x, _ in picture.columns]
    assert all(after - before >= 12 for before, after in pairwise(middles))


def test_the_time_is_that_of_the_probes() -> None:
    record = big_day(size=40, seed=3)
    picture = draw_time(parse_record(record))
    bars = [bar for _, lane in picture.lanes for bar in lane]
    assert sum(bar.width for bar in bars) == pytest.approx(960)
    assert 3 <= len(picture.ticks) <= 8
    told = [cell for _, row in spent(parse_record(record)) for cell in row.values()]
    assert sum(count for count, _ in told) == len(record["probes"])
    assert sum(seconds for _, seconds in told) == pytest.approx(record["timings"]["probe_seconds"])
