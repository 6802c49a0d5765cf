from __future__ import annotations

import pytest

from sessions.gates.results import Failure, Presence, Results, TestId

PASSED, FAILED, SKIPPED, OTHER = (TestId("a.py", name) for name in ("passed", "failed", "skipped", "other"))
FILE, GATE = TestId("a.py"), TestId("", "unit")
RESULTS = Results(
    gate="unit", failures=(Failure(test=FAILED),), passed=(PASSED,), skipped=(SKIPPED,), files=("a.py",), tests=3
)


def with_(*failures: TestId, trouble: str = "", **fields: object) -> Results:
    return Results(failures=tuple(Failure(test=test) for test in failures), trouble=trouble, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "presence"),
    [
        (PASSED, Presence.PASSED),
        (FAILED, Presence.FAILED),
        (SKIPPED, Presence.SKIPPED),
        (OTHER, Presence.ABSENT),
        (FILE, Presence.PASSED),
        (TestId("b.py"), Presence.ABSENT),
        (GATE, Presence.PASSED),
    ],
)
def test_a_run_that_came_to_its_end_says_what_became_of_each_test(test: TestId, presence: Presence) -> None:
    assert RESULTS.presence(test) is presence


def test_a_run_that_broke_off_hides_what_it_does_not_report() -> None:
    broken_off = with_(GATE, FAILED, trouble="interrupted", passed=(PASSED,), skipped=(SKIPPED,))
    assert [broken_off.presence(test) for test in (PASSED, FAILED, SKIPPED, OTHER, FILE, GATE)] == [
        Presence.PASSED,
        Presence.FAILED,
        Presence.SKIPPED,
        Presence.HIDDEN,
        Presence.HIDDEN,
        Presence.FAILED,
    ]
    assert with_(broken="the disk is full").presence(OTHER) is Presence.HIDDEN
    assert with_(broken="the disk is full").presence(GATE) is Presence.HIDDEN


def test_a_file_that_failed_as_a_whole_hides_its_tests_and_no_others() -> None:
    crashed = with_(FILE, passed=(PASSED,))
    assert [crashed.presence(test) for test in (PASSED, OTHER, FILE, TestId("b.py", "x"))] == [
        Presence.PASSED,
        Presence.HIDDEN,
        Presence.FAILED,
        Presence.ABSENT,
    ]


def test_where_tests_are_only_counted_those_of_a_file_that_was_tested_have_passed() -> None:
    counted = with_(FAILED, counts={"a.py": 3})
    assert [counted.presence(test) for test in (FAILED, OTHER, FILE, TestId("b.py", "x"), TestId("b.py"))] == [
        Presence.FAILED,
        Presence.PASSED,
        Presence.PASSED,
        Presence.ABSENT,
        Presence.ABSENT,
    ]
    assert with_(GATE, trouble="interrupted", counts={"a.py": 3}).presence(OTHER) is Presence.PASSED


def test_where_faults_are_listed_what_is_not_listed_has_passed_but_no_document() -> None:
    listed = with_(lists_faults=True, passed=(FILE,), files=("a.py",))
    assert [listed.presence(test) for test in (FILE, OTHER, TestId("b.py", "x"), TestId("b.py"))] == [
        Presence.PASSED,
        Presence.PASSED,
        Presence.PASSED,
        Presence.ABSENT,
    ]
    assert with_(GATE, trouble="no end", lists_faults=True).presence(OTHER) is Presence.HIDDEN


@pytest.mark.parametrize(
    ("results", "measured", "passed"),
    [
        (RESULTS, True, True),
        (with_(), True, False),
        (with_(FAILED), True, False),
        (with_(counts={"a.py": 0}), True, False),
        (with_(counts={"a.py": 0, "b.py": 1}), True, True),
        (with_(GATE, trouble="interrupted", passed=(PASSED,)), False, True),
        (with_(broken="no font"), False, False),
    ],
)
def test_what_a_yardstick_needs_is_an_end_and_a_test_that_passed(
    results: Results, measured: bool, passed: bool
) -> None:
    assert (results.is_measured, results.has_passed) == (measured, passed)


def test_all_files_of_which_anything_is_reported_were_tested() -> None:
    results = with_(
        TestId("f.py", "f"),
        GATE,
        passed=(TestId("p.py", "p"),),
        skipped=(TestId("s.py", "s"),),
        files=("x.py",),
        counts={"c.py": 1},
    )
    assert results.tested_files == {"f.py", "p.py", "s.py", "x.py", "c.py"}


def test_what_a_test_stands_for() -> None:
    assert [(test.is_whole_file, test.is_whole_gate) for test in (FILE, GATE, PASSED)] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_a_part_of_a_test_is_told_beside_the_test_as_a_whole() -> None:
    """A doctest's example, or a subtest: a report names it where it fails alone."""
    failing, example, other = TestId("a.py", "f", "f(1)"), TestId("a.py", "f", "f(2)"), TestId("a.py", "g", "g(1)")
    results = with_(failing, passed=(TestId("a.py", "g"),), skipped=(TestId("a.py", "h"),))
    presences = [results.presence(test) for test in (failing, example, other, TestId("a.py", "h", "h(1)"))]
    assert presences == [Presence.FAILED, Presence.PASSED, Presence.PASSED, Presence.SKIPPED]
    assert results.presence(TestId("a.py", "f")) is Presence.HIDDEN  # it failed, in another part than asked for
    assert results.presence(TestId("a.py", "x", "x(1)")) is Presence.ABSENT
