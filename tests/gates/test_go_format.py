"""The events of `go test -json`."""

from __future__ import annotations

import json

import pytest

from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput, Presence, Results, TestId

GATE = TestId("", "unit")


def event(action: str, test: str = "", output: str = "", package: str = "m/a") -> str:
    found = {"Time": "2026-11-26T14:32:10Z", "Action": action, "Package": package, "Test": test, "Output": output}
    return json.dumps({key: value for key, value in found.items() if value}) + "\n"


def read(log: str, *, status: int = 0, results: str | None = None) -> Results:
    content = None if results is None else results.encode()
    return FORMATS["go"](GateOutput(gate="unit", status=status, log=log, results=content))


def account(results: Results) -> dict[str, str]:
    tests = (*results.passed, *results.skipped, *results.failing)
    return {str(test): str(results.presence(test)) for test in tests}


GOOD = event("run", "TestA") + event("output", "TestA", "=== RUN   TestA\n") + event("pass", "TestA")
BAD = (
    event("run", "TestB")
    + event("run", "TestB/sub_1")
    + event("output", "TestB/sub_1", "    a_test.go:6: expected 1\n")
    + event("fail", "TestB/sub_1")
    + event("fail", "TestB")
)
SKIP = event("run", "TestC") + event("skip", "TestC")


def test_tests_and_subtests() -> None:
    results = read(event("start") + GOOD + BAD + SKIP + event("fail"), status=1)
    assert results.trouble == ""
    assert account(results) == {
        "m/a::TestA": "passed",
        "m/a::TestB": "failed",
        "m/a::TestB/sub_1": "failed",
        "m/a::TestC": "skipped",
    }
    assert results.failing[TestId("m/a", "TestB/sub_1")].message == "    a_test.go:6: expected 1"


@pytest.mark.parametrize(
    ("log", "status", "trouble"),
    [
        ("", 0, "unit wrote no event of go test -json"),
        ("ok  \tm/a\t0.003s\n", 0, "unit wrote no event of go test -json"),
        (event("output", output="?   \tm/a\t[no test files]\n") + event("skip"), 0, "unit ran no test"),
        (GOOD, 0, "unit broke off: the package m/a did not end"),
        (event("start"), 0, "unit broke off: the package m/a did not end"),
        (event("start") + event("output", output="x\n"), 0, "unit broke off: the package m/a did not end"),
        (GOOD + event("pass"), 1, "No test failed, but the run did"),
        (GOOD + BAD + event("fail"), 137, "unit was killed, or could not be run to its end"),
    ],
)
def test_a_run_that_does_not_account_for_its_end(log: str, status: int, trouble: str) -> None:
    results = read(log, status=status)
    assert results.trouble == trouble
    assert GATE in results.failing


BUILD = '# m/q [m/q.test]\nq/q.go:2:23: cannot use "" as int value\nFAIL\tm/q [build failed]\n'
BUILD_EVENTS = (
    '{"ImportPath":"m/q [m/q.test]","Action":"build-output","Output":"# m/q [m/q.test]\\n"}\n'
    '{"ImportPath":"m/q [m/q.test]","Action":"build-output","Output":"q/q.go:2:23: cannot use as int value\\n"}\n'
    '{"ImportPath":"m/q [m/q.test]","Action":"build-fail"}\n'
    + event("start", package="m/q")
    + event("output", output="FAIL\tm/q [build failed]\n", package="m/q")
    + event("fail", package="m/q")
)


@pytest.mark.parametrize("build", [BUILD, BUILD_EVENTS])
def test_a_package_that_does_not_build_fails_as_a_whole(build: str) -> None:
    results = read(GOOD + event("pass") + build, status=1)
    assert results.trouble == ""
    assert account(results) == {"m/a::TestA": "passed", "m/q": "failed"}
    assert "q/q.go:2:23" in results.failures[0].message
    assert results.presence(TestId("m/q", "TestX")) is Presence.HIDDEN


def test_a_panic_hides_the_tests_that_follow() -> None:
    panic = "".join(event("output", "TestB", line) for line in ("panic: boom\n", "\n", "goroutine 7 [running]:\n"))
    results = read(GOOD + event("run", "TestB") + panic + event("fail", "TestB") + event("fail"), status=1)
    assert account(results) == {"m/a::TestA": "passed", "m/a::TestB": "failed", "m/a": "failed"}
    assert results.failing[TestId("m/a")].kind == "crash"
    assert results.presence(TestId("m/a", "TestZ")) is Presence.HIDDEN


@pytest.mark.parametrize("end", ["pass", "fail"])
def test_a_test_without_its_end_has_failed_with_its_package(end: str) -> None:
    results = read(GOOD + event("run", "TestB") + event(end), status=1)
    assert account(results) == {"m/a::TestA": "passed", "m/a::TestB": "failed"}


def test_several_runs_of_a_test() -> None:
    results = read(GOOD + GOOD.replace('"pass"', '"fail"') + event("fail"), status=1)
    assert account(results) == {"m/a::TestA": "failed", "m/a::TestA (2nd)": "passed"}


def test_lines_of_others_in_between() -> None:
    noisy = "a warning " + GOOD.replace("\n", '\n# m/z {"Action":\n{"Action": 3}\n[]\n') + event("pass")
    assert account(read(noisy)) == {"m/a::TestA": "passed"}
    assert account(read("", results=noisy)) == {"m/a::TestA": "passed"}


def test_a_package_that_is_tested_twice_has_failed_if_it_failed_once() -> None:
    package = TestId("m/a")
    results = read(GOOD + event("fail") + GOOD + event("pass"))
    assert results.presence(package) is Presence.FAILED
