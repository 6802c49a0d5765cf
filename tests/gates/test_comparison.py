from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.comparison import FEWER_TESTS, Comparison, compare, hold_to_status
from sessions.gates.results import NO_STATUS, Failure, Presence, Results, TestId

ONE, TWO, OTHER = TestId("a.py", "f", "f(1)"), TestId("a.py", "f", "f(2)"), TestId("b.py", "g", "g(1)")
WHOLE_FILE, WHOLE_GATE = TestId("a.py"), TestId("", "doctest")
FEWER = TestId("a.py", FEWER_TESTS)

some_tests = st.builds(
    TestId, file=st.sampled_from(["a.py", "b.py"]), name=st.sampled_from(["", "f", "g"]), example=st.just("")
)
some = st.frozensets(some_tests)


def named(
    *, failed: tuple[TestId, ...] = (), passed: tuple[TestId, ...] = (), skipped: tuple[TestId, ...] = ()
) -> Results:
    """A run of a runner that reports each test by its name."""
    return Results(
        gate="doctest",
        failures=tuple(Failure(test=test, line=7, message="no") for test in sorted(failed)),
        passed=tuple(sorted(passed)),
        skipped=tuple(sorted(skipped)),
        status=1 if failed else 0,
    )


def counted(*tests: TestId, counts: dict[str, int] | None = None) -> Results:
    """A run of Sage's, which reports failures by name, and how many tests ran in each file."""
    counts = {"a.py": 5, "b.py": 5} if counts is None else counts
    failures = tuple(Failure(test=test, line=7, message="no") for test in sorted(tests))
    crashed = {test.file for test in tests if not test.name}
    left = {file: count for file, count in counts.items() if file not in crashed}
    return Results(gate="doctest", failures=failures, counts=left, files=tuple(counts), status=1 if tests else 0)


def interrupted(results: Results) -> Results:
    gate = Failure(test=WHOLE_GATE, kind="error", message="interrupted")
    return replace(results, failures=(gate, *results.failures), trouble="interrupted", status=2)


results = st.builds(
    lambda failed, passed, skipped: named(
        failed=tuple(failed), passed=tuple(passed - failed), skipped=tuple(skipped - failed - passed)
    ),
    some,
    some,
    some,
)


def new_in(found: Comparison) -> list[TestId]:
    return [failure.test for failure in found.new]


def gone_in(found: Comparison) -> list[TestId]:
    return [failure.test for failure in found.gone]


def test_what_fails_only_on_the_head_is_new_on_both_known_and_only_on_the_release_fixed() -> None:
    found = compare(counted(ONE, OTHER), counted(TWO, OTHER))
    assert (new_in(found), found.known, found.fixed) == ([TWO], (OTHER,), (ONE,))
    found = compare(named(failed=(ONE, OTHER), passed=(TWO,)), named(failed=(TWO, OTHER), passed=(ONE,)))
    assert (new_in(found), found.known, found.fixed, found.gone) == ([TWO], (OTHER,), (ONE,), ())


def test_a_failing_test_that_is_not_reported_any_more_is_gone_and_not_fixed() -> None:
    found = compare(named(failed=(ONE,), passed=(TWO,)), named(passed=(TWO,)))
    assert (found.fixed, gone_in(found)) == ((), [ONE])
    found = compare(counted(ONE), counted(counts={"b.py": 5}))  # its file was deleted
    assert (found.fixed, gone_in(found)) == ((), [WHOLE_FILE, ONE])


def test_a_test_that_passed_and_is_not_reported_any_more_is_gone() -> None:
    found = compare(named(passed=(ONE, TWO)), named(passed=(TWO,)))
    assert [(failure.test, failure.kind) for failure in found.gone] == [(ONE, "gone")]


def test_what_was_skipped_on_the_release_did_not_run_there_and_cannot_be_gone() -> None:
    assert compare(named(passed=(TWO,), skipped=(ONE,)), named(passed=(TWO,))).gone == ()


def test_a_test_that_ran_and_is_skipped_now_is_told() -> None:
    for release in (named(passed=(ONE, TWO)), named(failed=(ONE,), passed=(TWO,))):
        found = compare(release, named(passed=(TWO,), skipped=(ONE,)))
        assert [(failure.test, failure.kind) for failure in found.skipped] == [(ONE, "skipped")]
        assert (found.gone, found.fixed, found.new) == ((), (), ())


def test_a_test_that_was_skipped_and_fails_now_is_new() -> None:
    assert new_in(compare(named(passed=(TWO,), skipped=(ONE,)), named(failed=(ONE,), passed=(TWO,)))) == [ONE]


def test_of_files_that_only_count_their_tests_a_smaller_number_is_told_and_nothing_in_them_is_fixed() -> None:
    found = compare(counted(ONE), counted(counts={"a.py": 3, "b.py": 5}))
    assert [(failure.test, failure.kind, failure.expected) for failure in found.gone] == [(FEWER, "gone", 5)]
    assert found.fixed == ()
    assert compare(counted(), counted(counts={"a.py": 6, "b.py": 5})).gone == ()


def test_what_only_the_head_reports_is_brought() -> None:
    found = compare(named(passed=(ONE,)), named(passed=(ONE, TWO), failed=(OTHER,)))
    assert (found.brought, new_in(found)) == ((TWO, OTHER), [OTHER])


def test_a_failure_in_a_file_that_failed_elsewhere_before_is_new_all_the_same() -> None:
    assert new_in(compare(counted(ONE), counted(ONE, TWO))) == [TWO]


def test_a_new_failure_keeps_its_line_and_message_for_the_report() -> None:
    assert compare(counted(), counted(ONE)).new == (Failure(test=ONE, line=7, message="no"),)


def test_what_a_crash_hid_on_the_release_is_not_new() -> None:
    found = compare(counted(WHOLE_FILE), counted(ONE, TWO, OTHER))
    assert (new_in(found), found.known, found.fixed) == ([OTHER], (ONE, TWO), (WHOLE_FILE,))


def test_what_was_seen_to_pass_in_a_file_that_failed_as_a_whole_is_no_excuse() -> None:
    release = named(failed=(WHOLE_FILE,), passed=(ONE,))  # an error in the file's teardown
    assert new_in(compare(release, named(failed=(WHOLE_FILE, ONE)))) == [ONE]


def test_a_crash_of_a_file_that_only_had_failures_is_new() -> None:
    assert new_in(compare(counted(ONE), counted(WHOLE_FILE))) == [WHOLE_FILE]


def test_what_a_crash_hides_on_the_head_is_neither_fixed_nor_gone() -> None:
    found = compare(counted(ONE, OTHER), counted(WHOLE_FILE))
    assert (found.fixed, found.gone) == ((OTHER,), ())
    found = compare(named(failed=(ONE, OTHER), passed=(TWO,)), named(failed=(WHOLE_FILE,), passed=(OTHER,)))
    assert (new_in(found), found.fixed, found.gone) == ([WHOLE_FILE], (OTHER,), ())


def test_a_crash_on_both_is_known() -> None:
    found = compare(counted(WHOLE_FILE), counted(WHOLE_FILE))
    assert (found.new, found.known, found.fixed) == ((), (WHOLE_FILE,), ())


def test_a_gate_that_fails_as_a_whole_is_never_known() -> None:
    gate = interrupted(named())
    assert new_in(compare(named(passed=(ONE,)), gate)) == [WHOLE_GATE]
    assert new_in(compare(gate, gate)) == [WHOLE_GATE]


def test_a_run_that_broke_off_is_new_beside_known_failures_and_hides_what_it_did_not_reach() -> None:
    found = compare(named(failed=(ONE, OTHER), passed=(TWO,)), interrupted(named(failed=(OTHER,))))
    assert (new_in(found), found.known, found.fixed, found.gone) == ([WHOLE_GATE], (OTHER,), (), ())
    found = compare(counted(ONE, OTHER), interrupted(counted(counts={"b.py": 5})))
    assert (new_in(found), found.fixed, found.gone) == ([WHOLE_GATE], (OTHER,), ())


def test_a_run_that_broke_off_may_call_tests_by_names_that_they_do_not_have() -> None:
    head = interrupted(named(failed=(TWO, OTHER)))
    assert new_in(compare(named(passed=(ONE, OTHER)), head)) == [WHOLE_GATE, OTHER]


@pytest.mark.parametrize("status", [0, 2, 137])
def test_the_same_failures_with_another_status_are_a_run_that_ended_otherwise(status: int) -> None:
    release, head = named(failed=(ONE,), passed=(TWO,)), named(failed=(ONE,), passed=(TWO,))
    held = hold_to_status(release, replace(head, status=status))
    assert held.trouble == f"The same tests fail as on the release, but the status is {status} and not 1"
    assert held.presence(WHOLE_GATE) is Presence.FAILED
    assert new_in(compare(release, replace(head, status=status))) == [WHOLE_GATE]


def test_a_status_says_nothing_where_other_tests_fail_or_several_runs_are_told_as_one() -> None:
    release = replace(named(failed=(ONE, OTHER), passed=(TWO,)), status=2)  # the number of failures, as some runners do
    fixed = named(failed=(ONE,), passed=(TWO, OTHER))
    assert hold_to_status(release, fixed) == fixed
    assert compare(release, fixed).fixed == (OTHER,)
    parts = replace(release, status=NO_STATUS)
    assert hold_to_status(release, parts) == parts
    assert hold_to_status(parts, release) == release
    assert hold_to_status(interrupted(release), release) == release


def test_where_a_format_lists_faults_a_run_that_came_to_its_end_has_none_elsewhere() -> None:
    fault, document = TestId("a.pdf", "undefined reference", "x"), TestId("a.pdf")
    release = Results(failures=(Failure(test=fault),), passed=(document,), lists_faults=True, files=("a.pdf",))
    assert compare(release, Results(passed=(document,), lists_faults=True, files=("a.pdf",))).fixed == (fault,)
    without = Results(passed=(TestId("b.pdf"),), lists_faults=True, files=("b.pdf",))
    assert (compare(release, without).fixed, gone_in(compare(release, without))) == ((), [document])


@given(results, results)
def test_each_test_of_either_run_is_accounted_for_once(release: Results, head: Results) -> None:
    found = compare(release, head)
    on_head = {failure.test for failure in head.failures}
    shares = [
        *(new_in(found), list(found.known), list(found.fixed)),
        *(gone_in(found), [failure.test for failure in found.skipped]),
    ]
    told = [test for share in shares for test in share]
    assert len(told) == len(set(told))
    assert {*new_in(found), *found.known} >= on_head
    assert {*new_in(found), *found.known} - on_head <= {TestId("", "doctest")}  # the status, if that differs
    for share in shares[2:]:
        assert share == sorted(share)
    for test in release.failing:
        assert test in told or head.presence(test) is Presence.HIDDEN
    for test in release.passed:
        assert test in told or head.presence(test) in (Presence.PASSED, Presence.HIDDEN)


@given(results, results, st.integers(0, 9), st.text())
def test_neither_lines_nor_words_decide_what_is_new(release: Results, head: Results, line: int, words: str) -> None:
    moved = replace(release, failures=tuple(replace(each, line=line, message=words) for each in release.failures))
    assert compare(moved, head) == compare(release, head)


@given(results)
def test_a_head_that_does_what_the_release_does_has_nothing_new_and_nothing_fixed(same: Results) -> None:
    found = compare(same, same)
    assert found == Comparison(known=tuple(failure.test for failure in same.failures))
