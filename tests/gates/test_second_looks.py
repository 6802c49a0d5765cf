"""Which failures of the release are known, by its first run and by further ones."""

from __future__ import annotations

import pytest

from sessions.gates.results import Failure, Presence, Results, TestId
from sessions.gates.run_history import RunCounts
from sessions.gates.second_looks import settle

TEST, OTHER = TestId("a", "one"), TestId("a", "two")
FILE = TestId("a")
FAILED = Results(failures=(Failure(test=TEST),), passed=(OTHER,), tests=2, status=1)
PASSED = Results(passed=(TEST, OTHER), tests=2)
SKIPPED = Results(skipped=(TEST,), passed=(OTHER,), tests=2)
ABSENT = Results(passed=(OTHER,), tests=1)
BROKEN_OFF = Results(failures=(Failure(test=TestId("", "unit")),), trouble="no report")
CRASHED = Results(failures=(Failure(test=FILE, kind="crash"),), passed=(TestId("b", "one"),), tests=1, status=1)


@pytest.mark.parametrize(
    ("looks", "is_known", "is_once", "passes"),
    [
        ((FAILED,), True, False, 0),
        ((PASSED,), False, False, 1),
        ((PASSED, PASSED), False, False, 2),
        ((PASSED, FAILED), True, False, 0),
        ((FAILED, PASSED), True, False, 0),
        ((BROKEN_OFF, PASSED), False, False, 1),
        ((PASSED, BROKEN_OFF), True, True, 0),
        ((BROKEN_OFF,), True, True, 0),
        ((SKIPPED,), True, True, 0),
        ((ABSENT,), True, True, 0),
        ((CRASHED,), True, True, 0),
        ((), True, True, 0),
    ],
)
def test_a_failure_is_known_unless_the_last_run_shows_that_it_passes(
    looks: tuple[Results, ...], is_known: bool, is_once: bool, passes: int
) -> None:
    settled = settle(FAILED, looks, [TEST])
    assert (settled.release.presence(TEST) is Presence.FAILED) == is_known
    assert settled.once == (TEST,) * is_once
    assert settled.counts == ({} if is_known else {TEST: RunCounts(fails=1, passes=passes)})
    assert settled.release.presence(OTHER) is Presence.PASSED


def test_a_file_that_crashed_once_hides_nothing_any_more() -> None:
    look = Results(failures=(Failure(test=OTHER),), passed=(TEST,), tests=2, status=1)
    settled = settle(CRASHED, [look], [TEST, TestId("a", "brought")])
    assert settled.counts.keys() == {TEST, TestId("a", "brought")}
    assert settled.counts[TEST] == RunCounts(passes=1)
    release = settled.release
    assert [release.presence(test) for test in (TEST, OTHER, TestId("b", "one"))] == ["passed", "failed", "passed"]
    assert release.presence(TestId("a", "brought")) is Presence.ABSENT, "a ticket's new test"
    assert release.presence(FILE) is not Presence.FAILED


def test_a_file_that_crashes_again_hides_its_tests() -> None:
    settled = settle(CRASHED, [CRASHED], [TEST])
    assert (settled.release, settled.counts, settled.once) == (CRASHED, {}, ())


def test_of_files_whose_tests_are_counted_the_failing_example_passes() -> None:
    example = TestId("a", "one", "1 + 1")
    counted = Results(failures=(Failure(test=example),), counts={"a": 5}, tests=5, status=1)
    settled = settle(counted, [Results(counts={"a": 5}, tests=5)], [example])
    assert settled.release.presence(example) is Presence.PASSED
    assert settled.release.passed == ()
