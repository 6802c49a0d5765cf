from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sessions.gates.comparison import Comparison, compare
from sessions.gates.results import Failure, Results, TestId

ONE, TWO, OTHER = TestId("a.py", "f", "f(1)"), TestId("a.py", "f", "f(2)"), TestId("b.py", "g", "g(1)")
WHOLE_FILE, WHOLE_GATE = TestId("a.py"), TestId("", "doctest")

some_tests = st.builds(
    TestId, file=st.sampled_from(["", "a.py", "b.py"]), name=st.sampled_from(["", "f", "g"]), example=st.just("")
).filter(lambda test: bool(test.file or test.name))
results = st.builds(
    lambda tests, files: Results(failures=tuple(Failure(test=test) for test in sorted(tests)), files=files),
    tests=st.frozensets(some_tests),
    files=st.sampled_from([(), ("a.py",), ("a.py", "b.py")]),
)


def failing(*tests: TestId, files: tuple[str, ...] = ("a.py", "b.py")) -> Results:
    return Results(failures=tuple(Failure(test=test, line=7, message="no") for test in sorted(tests)), files=files)


def new_in(found: Comparison) -> list[TestId]:
    return [failure.test for failure in found.new]


def test_what_fails_only_on_the_head_is_new_on_both_known_and_only_on_the_release_fixed() -> None:
    found = compare(failing(ONE, OTHER), failing(TWO, OTHER))
    assert (new_in(found), found.known, found.fixed) == ([TWO], (OTHER,), (ONE,))


def test_a_failure_in_a_file_that_failed_elsewhere_before_is_new_all_the_same() -> None:
    assert new_in(compare(failing(ONE), failing(ONE, TWO))) == [TWO]


def test_a_new_failure_keeps_its_line_and_message_for_the_report() -> None:
    assert compare(failing(), failing(ONE)).new == (Failure(test=ONE, line=7, message="no"),)


def test_what_a_crash_hid_on_the_release_is_not_new() -> None:
    found = compare(failing(WHOLE_FILE), failing(ONE, TWO, OTHER))
    assert (new_in(found), found.known, found.fixed) == ([OTHER], (ONE, TWO), (WHOLE_FILE,))


def test_a_crash_of_a_file_that_only_had_failures_is_new() -> None:
    assert new_in(compare(failing(ONE), failing(WHOLE_FILE))) == [WHOLE_FILE]


def test_what_a_crash_hides_on_the_head_is_not_fixed() -> None:
    assert compare(failing(ONE, OTHER), failing(WHOLE_FILE)).fixed == (OTHER,)


def test_a_crash_on_both_is_known() -> None:
    found = compare(failing(WHOLE_FILE), failing(WHOLE_FILE))
    assert (found.new, found.known, found.fixed) == ((), (WHOLE_FILE,), ())


def test_a_gate_that_fails_as_a_whole_is_told_as_one_test() -> None:
    gate = failing(WHOLE_GATE, files=())
    assert new_in(compare(failing(files=()), gate)) == [WHOLE_GATE]
    assert compare(gate, gate).known == (WHOLE_GATE,)
    assert compare(gate, failing(files=())).fixed == (WHOLE_GATE,)


def test_where_the_gate_broke_off_on_the_head_only_files_that_it_reached_can_be_fixed() -> None:
    assert compare(failing(ONE, OTHER), failing(WHOLE_GATE, files=("b.py",))).fixed == (OTHER,)
    assert compare(failing(ONE, OTHER), failing(WHOLE_GATE, files=())).fixed == ()


@given(results, results)
def test_every_failure_of_the_head_is_either_new_or_known_and_none_is_fixed(release: Results, head: Results) -> None:
    found = compare(release, head)
    on_head = [failure.test for failure in head.failures]
    assert sorted([*new_in(found), *found.known]) == on_head
    assert not set(found.fixed) & set(on_head)
    assert not set(new_in(found)) & {failure.test for failure in release.failures}
    assert list(found.fixed) == sorted(found.fixed)


@given(results, results, st.integers(0, 9), st.text())
def test_neither_lines_nor_words_decide_what_is_new(release: Results, head: Results, line: int, words: str) -> None:
    moved = replace(release, failures=tuple(replace(each, line=line, message=words) for each in release.failures))
    assert compare(moved, head) == compare(release, head)


@given(results)
def test_a_head_that_does_what_the_release_does_has_nothing_new_and_nothing_fixed(same: Results) -> None:
    found = compare(same, same)
    assert (found.new, found.fixed) == ((), ())
