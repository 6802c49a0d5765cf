"""A run must account for its end: what its status means, and what its report counts, is its tool's to know."""

from __future__ import annotations

import pytest

from sessions.gates.formats.junit import read_junit
from sessions.gates.results import GateOutput, Presence, Results, TestId

GATE = TestId("", "unit")
PASS = '<testcase classname="a" name="p"/>'
FAIL = '<testcase classname="a" name="f"><failure message="no"/></testcase>'
PYTEST = '<testsuite name="pytest" hostname="h">{}</testsuite>'
CTEST = '<testsuite name="(empty)" disabled="0">{}</testsuite>'
CTEST_PASS = '<testcase name="p" classname="p" status="run"/>'
CTEST_FAIL = '<testcase name="f" classname="f" status="fail"><failure message=""/></testcase>'
OTHER = '<testsuite name="s">{}</testsuite>'
MESON = '<testsuites tests="2" errors="0" failures="1"><testsuite name="a">{}</testsuite></testsuites>'


def read(content: str, *, status: int, command: str = "", log: str = "") -> Results:
    return read_junit(GateOutput(gate="unit", status=status, log=log, command=command, results=content.encode()))


@pytest.mark.parametrize(
    ("form", "cases", "status", "command", "ends"),
    [
        (PYTEST, PASS, 0, "", True),
        (PYTEST, PASS + FAIL, 1, "", True),
        (PYTEST, PASS + FAIL, 0, "", True),
        (PYTEST, PASS, 1, "", False),
        *((PYTEST, PASS + FAIL, status, "", False) for status in (2, 3, 4, 5, 99, 137)),
        (OTHER, PASS + FAIL, 2, "python -m pytest --junit-xml r.xml", False),
        (OTHER, PASS + FAIL, 2, "mytool -o pytest.xml", True),
        (CTEST, CTEST_PASS, 0, "ctest", True),
        (CTEST, CTEST_PASS + CTEST_FAIL, 8, "ctest", True),
        (CTEST, CTEST_PASS + CTEST_FAIL, 1, "ctest", False),
        (CTEST, CTEST_PASS + CTEST_FAIL, 1, "ninja test", True),
        (CTEST, CTEST_PASS + CTEST_FAIL, 2, "make test", True),
        (CTEST, CTEST_PASS + CTEST_FAIL, 3, "make test", False),
        (CTEST, CTEST_PASS, 8, "ctest", False),
        (MESON, PASS + FAIL, 1, "meson test", True),
        (MESON, PASS + FAIL, 2, "meson test", False),
        (OTHER, PASS, 1, "", False),
        (OTHER, PASS + FAIL, 1, "", True),
        (OTHER, PASS + FAIL, 137, "", False),
        (OTHER, PASS + FAIL, 124, "", False),
        (OTHER, PASS + FAIL, 127, "", False),
        (OTHER, PASS + FAIL * 130, 130, "mocha", True),
    ],
)
def test_what_a_status_means(form: str, cases: str, status: int, command: str, ends: bool) -> None:
    results = read(form.format(cases), status=status, command=command)
    assert bool(results.trouble) is not ends
    assert (GATE in results.failing) is not ends
    assert "p" in {test.name for test in results.passed}


@pytest.mark.parametrize(("status", "ends"), [(1, True), (2, False)])
@pytest.mark.parametrize(
    "suite", ['<testsuite name="a / sub">{}</testsuite>', '<testsuite name="a">{}<system-out/></testsuite>']
)
def test_meson_counts_a_test_with_subtests_once_and_its_status_betrays_one_that_timed_out(
    suite: str, status: int, ends: bool
) -> None:
    cases = FAIL.replace('"f"', '"one"') + FAIL.replace('"f"', '"two"') + PASS
    cases = cases.replace('classname="a"', f'classname="{suite.split(chr(34))[1]}"')
    report = f'<testsuites tests="3" errors="0" failures="2">{suite.format(cases)}</testsuites>'
    assert bool(read(report, status=status, command="meson test").trouble) is not ends


@pytest.mark.parametrize(("status", "ends"), [(1, True), (2, False)])
def test_make_tells_the_status_of_what_it_ran(status: int, ends: bool) -> None:
    log = f"1 failed\nmake[1]: *** [Makefile:3: test] Error {status}\nmake: *** [Makefile:9: check] Error 2\n"
    assert bool(read(PYTEST.format(PASS + FAIL), status=2, command="make check", log=log).trouble) is not ends


@pytest.mark.parametrize(
    "content",
    [
        '<testsuite name="s" errors="1"/>',
        f'<testsuite name="s" errors="1">{PASS}</testsuite>',
        f'<testsuite name="s" failures="2">{PASS}{FAIL}</testsuite>',
        f'<testsuite name="s" tests="3" failures="1">{PASS}{FAIL}</testsuite>',
        f'<testsuites errors="1"><testsuite name="s">{PASS}</testsuite></testsuites>',
        '<testsuite name="s" tests="0"/>',
        "<testsuites/>",
    ],
)
def test_what_a_report_counts_and_does_not_show(content: str) -> None:
    assert read(content, status=0).trouble


@pytest.mark.parametrize(
    "content",
    [
        f'<testsuite name="pytest" hostname="h" tests="9" failures="1">{PASS}{FAIL}</testsuite>',  # with subtests
        '<testsuite name="a" tests="7"><testcase classname="a" name="p" status="run"/></testsuite>',  # Catch2
        f'<testsuite name="s" tests="1" failures="1">{PASS}{FAIL}</testsuite>',
        f'<testsuite name="s" tests="2" skipped="9" disabled="9">{PASS}{PASS}</testsuite>',
        f'<testsuite name="s" tests="3" skipped="1">{PASS}{PASS}</testsuite>',  # mocha-junit-reporter
    ],
)
def test_what_healthy_reports_count(content: str) -> None:
    assert not read(content, status=1 if "<failure" in content else 0).trouble


CTEST_SKIP = '<testcase name="t" classname="t" status="{}"><skipped message="{}"/></testcase>'


@pytest.mark.parametrize(
    ("status", "message", "presence"),
    [
        ("notrun", "Unable to find executable", Presence.FAILED),
        ("notrun", "Required Files Missing", Presence.FAILED),
        ("notrun", "Fixture dependency failed", Presence.FAILED),
        ("notrun", "SKIP_RETURN_CODE=77", Presence.SKIPPED),
        ("notrun", "SKIP_REGULAR_EXPRESSION_MATCHED", Presence.SKIPPED),
        ("disabled", "Disabled", Presence.SKIPPED),
    ],
)
def test_what_ctest_did_not_run(status: str, message: str, presence: Presence) -> None:
    results = read(CTEST.format(CTEST_PASS + CTEST_FAIL + CTEST_SKIP.format(status, message)), status=8)
    assert results.trouble == ""
    assert results.presence(TestId("t", "t")) is presence


@pytest.mark.parametrize(
    ("case", "presence"),
    [
        ('<testcase classname="a" name="t" status="notrun" result="suppressed"/>', Presence.SKIPPED),
        ('<testcase classname="a" name="t" status="run" result="skipped"/>', Presence.SKIPPED),
        ('<testcase classname="a" name="t"><skipped type="pytest.xfail"/></testcase>', Presence.SKIPPED),
        ('<testcase classname="a" name="t"><skipped type="todo"/><failure/></testcase>', Presence.SKIPPED),
        ('<testcase classname="a" name="t"><skipped/><failure/></testcase>', Presence.FAILED),
        ('<testcase classname="a" name="t"><rerunFailure/><failure/></testcase>', Presence.FAILED),
        ('<testcase classname="a" name="t"><flakyFailure/></testcase>', Presence.PASSED),
        ('<testcase classname="a" name="t" status="failed"/>', Presence.FAILED),
    ],
)
def test_how_a_test_ended(case: str, presence: Presence) -> None:
    results = read(OTHER.format(PASS + FAIL + case), status=1)
    assert results.presence(TestId("a", "t")) is presence


def test_all_skipped_is_no_trouble_and_nothing_passed() -> None:
    results = read(OTHER.format('<testcase classname="a" name="t"><skipped/></testcase>'), status=0)
    assert (results.trouble, results.has_passed) == ("", False)
    assert results.notes == ("All 1 tests were skipped.",)


def test_a_missing_report_of_several() -> None:
    good = OTHER.format(PASS).encode()
    cut = OTHER.format(PASS + FAIL)[:-5].encode()
    output = GateOutput(gate="unit", status=1, log="", reports={"a.xml": good, "b.xml": cut})
    results = read_junit(output)
    assert results.trouble == "unit's report b.xml is cut off or damaged at line 1"
    assert TestId("a", "f") in results.failing
