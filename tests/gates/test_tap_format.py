"""The Test Anything Protocol as bats, prove, node and tape write it."""

from __future__ import annotations

import pytest

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput, Presence, Results, TestId

GATE = TestId("", "unit")


def read(log: str, *, status: int = 0, results: str | None = None) -> Results:
    content = None if results is None else results.encode()
    return FORMATS["tap"](GateOutput(gate="unit", status=status, log=log, results=content))


def account(results: Results) -> dict[str, str]:
    tests = (*results.passed, *results.skipped, *results.failing)
    return {str(test): str(results.presence(test)) for test in tests}


BATS = """1..5
ok 1 good
not ok 2 bad
# (in test file ./a.bats, line 5)
#   `false' failed
ok 3 sk # skip no
ok 4 good
ok 5 escaped \\# and \\\\ # TODO later
"""


def test_bats() -> None:
    results = read(BATS, status=1)
    assert results.trouble == ""
    assert account(results) == {
        "unit::good": "passed",
        "unit::good (2nd)": "passed",
        "unit::bad": "failed",
        "unit::sk": "skipped",
        "unit::escaped # and \\": "passed",
    }
    assert "`false' failed" in results.failures[0].message


@pytest.mark.parametrize("cut", range(1, len(BATS)))
def test_bats_that_is_broken_off(cut: int) -> None:
    results = read(BATS[:cut], status=1)
    assert results.trouble or results.tests == 5
    assert {"unit::bad", "unit::sk"}.isdisjoint(str(test) for test in results.passed)


@pytest.mark.parametrize(
    ("log", "status", "trouble"),
    [
        ("", 0, "unit wrote no TAP"),
        ("ok, said the program\nnot okay\n", 0, "unit wrote no TAP"),
        ("1..0\n", 0, "unit ran no test"),
        ("1..0 # skip no database\n", 0, "unit ran no test"),
        ("1..3\nok 1 a\nok 2 b\n", 0, "unit planned 3 tests and ran 2"),
        ("1..1\nok 1 a\nok 2 b\n", 0, "unit planned 1 test and ran 2"),
        ("ok 1 a\nok 2 b\n", 0, "unit did not end: it has no plan after 2 tests"),
        ("1..2\nok 1 a\nBail out! no disk\n", 1, "unit bailed out: no disk"),
        ("1..1\nok 1 a\n", 3, "No test failed, but the run did"),
        ("1..1\nnot ok 1 a\n", 137, "unit was killed, or could not be run to its end"),
        ("TAP version 13\n1..1\n    ok 1 - inner\n", 0, "unit broke off in the middle of a test"),
        ("t/a.t .. \nok 1 - a\n1..1\nok\n", 0, "unit broke off: prove wrote no result"),
    ],
)
def test_a_run_that_does_not_account_for_its_end(log: str, status: int, trouble: str) -> None:
    results = read(log, status=status)
    assert results.trouble == trouble
    assert GATE in results.failing


def test_a_plan_may_come_last_and_producers_may_follow_one_another() -> None:
    results = read("TAP version 13\nok 1 - a\n1..1\nTAP version 13\nok 1 - b\n1..1\n1..1\nok 1 c\n1..1\nok 1 d\n")
    assert results.trouble == ""
    assert list(account(results)) == ["unit::a", "unit::b", "unit::c", "unit::d"]


def test_a_failure_that_is_still_to_do_is_none() -> None:
    results = read("1..2\nnot ok 1 - a # TODO later\nnot ok 2 - b # SKIP no\n")
    assert (results.trouble, len(results.skipped), results.failures) == ("", 2, ())


NODE = """TAP version 13
# Subtest: outer
    # Subtest: in
    ok 1 - in
      ---
      duration_ms: 0.2
      ...
    # Subtest: bad
    not ok 2 - bad
      ---
      error: |-
        not ok 3 - this is what the test said
      ...
    # Subtest: deep
        # Subtest: x
        ok 1 - x
        1..1
    ok 3 - deep
    1..3
not ok 1 - outer
  ---
  type: 'suite'
  ...
1..1
# tests 3
# pass 2
"""


def test_subtests() -> None:
    results = read(NODE, status=1)
    assert results.trouble == ""
    assert account(results) == {
        "unit::outer": "failed",
        "unit::outer > in": "passed",
        "unit::outer > bad": "failed",
        "unit::outer > deep": "passed",
        "unit::outer > deep > x": "passed",
    }


PROVE = """t/a.t .. 
ok 1 - good
not ok 2 - bad
# Subtest: inner
    ok 1 - a
    1..1
ok 3 - inner
1..3
Dubious, test returned {} (wstat 256, 0x100)
Failed 1/3 subtests 
t/b.t .. 
1..2
ok 1 - first
{}
t/c.t .. skipped: nah
t/d.t .. ok
Result: FAIL
"""  # noqa: W291 - as prove writes it


def test_prove() -> None:
    results = read(PROVE.format(1, "ok 2 - second\nok"), status=1)
    assert results.trouble == ""
    assert account(results) == {
        "t/a.t::good": "passed",
        "t/a.t::bad": "failed",
        "t/a.t::inner": "passed",
        "t/a.t::inner > a": "passed",
        "t/b.t::first": "passed",
        "t/b.t::second": "passed",
        "t/c.t": "skipped",
        "t/d.t": "passed",
    }


@pytest.mark.parametrize(
    ("status", "end", "file"), [(1, "Failed 1/2 subtests ", "t/b.t"), (255, "ok 2 - b\nok", "t/a.t")]
)
def test_a_script_that_breaks_off_fails_as_a_whole(status: int, end: str, file: str) -> None:
    results = read(PROVE.format(status, end), status=1)
    assert results.trouble == ""
    assert results.presence(TestId(file)) is Presence.FAILED
    assert results.presence(TestId(file, "of which nothing is known")) is Presence.HIDDEN


def test_tape_names_a_test_by_the_comment_before() -> None:
    first = "# first\nok 1 same\nnot ok 2 other\n  ---\n    at: x\n  ...\n"
    log = f"TAP version 13\n{first}# second\nok 3 same\n\n1..3\n# fail 1\n"
    results = read(log, status=1)
    assert account(results) == {
        "unit::first > same": "passed",
        "unit::first > other": "failed",
        "unit::second > same": "passed",
    }


def test_the_file_of_results_comes_before_the_log() -> None:
    assert account(read("1..1\nok 1 log\n", results="1..1\nok 1 file\n")) == {"unit::file": "passed"}
    reports = {"out/a.tap": b"1..1\nok 1 a\n", "out/b.tap": b"1..2\nok 1 b\n"}
    results = FORMATS["tap"](GateOutput(gate="unit", status=0, log="", reports=reports))
    assert results.trouble == "unit planned 2 tests and ran 1"
