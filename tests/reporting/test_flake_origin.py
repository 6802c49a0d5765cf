"""What made a test flaky."""

from __future__ import annotations

from sessions.reporting.flake_origin import Contents, FlakeOrigin, RunEnding, TestRun, find_flake_origin


def runs(release: int, tickets: set[int], *, fails: int = 0, passes: int = 0, missing: int = 0) -> list[TestRun]:
    contents = Contents(release, frozenset(tickets))
    counts = {RunEnding.FAILED: fails, RunEnding.PASSED: passes, RunEnding.MISSING: missing}
    return [
        TestRun(tree=str(contents), ending=ending, contents=contents)
        for ending, count in counts.items()
        for _ in range(count)
    ]


def test_a_ticket_is_known_by_the_trees_with_and_without_it() -> None:
    found = find_flake_origin([*runs(0, {5, 6}, passes=40), *runs(0, {5, 7}, fails=9, passes=21)], {})
    assert (found.is_known, found.best, found.suspects) == (True, FlakeOrigin(7), (FlakeOrigin(7),))


def test_a_test_that_also_fails_on_the_first_release_was_flaky_before() -> None:
    found = find_flake_origin([*runs(0, set(), fails=1, passes=9), *runs(0, {7}, fails=9, passes=21)], {})
    assert found.is_known
    assert found.best.is_start
    assert found.suspects == ()


def test_tickets_that_always_come_together_are_both_suspects() -> None:
    found = find_flake_origin([*runs(0, {5}, passes=40), *runs(0, {5, 7, 8}, fails=9, passes=21)], {})
    assert not found.is_known
    assert set(found.suspects) == {FlakeOrigin(7), FlakeOrigin(8)}


def test_few_runs_say_nothing() -> None:
    found = find_flake_origin(
        [*runs(0, set(), passes=1), *runs(0, {7}, fails=1, passes=2), *runs(0, {8}, passes=2)], {}
    )
    assert not found.is_known
    assert found.suspects == ()


def test_a_release_is_known_where_no_ticket_explains_it() -> None:
    found = find_flake_origin([*runs(0, {5}, passes=40), *runs(1, set(), fails=9, passes=21)], {})
    assert (found.is_known, found.best) == (True, FlakeOrigin(release=1))


def test_a_ticket_stays_the_origin_in_the_release_that_merged_it() -> None:
    before = [*runs(0, set(), passes=40), *runs(0, {7, 8}, fails=9, passes=21), *runs(0, {8}, passes=30)]
    found = find_flake_origin([*before, *runs(1, set(), fails=9, passes=21)], {7: 1, 8: 1})
    assert (found.is_known, found.best) == (True, FlakeOrigin(7, 0, 1))


def test_a_ticket_that_was_given_up_takes_its_flake_along() -> None:
    before = [*runs(0, set(), passes=40), *runs(0, {7, 8}, fails=9, passes=21), *runs(0, {8}, passes=30)]
    found = find_flake_origin([*before, *runs(1, set(), passes=60)], {7: 1, 8: 1})
    assert (found.is_known, found.best) == (True, FlakeOrigin(7))


def test_where_the_test_is_missing_its_ticket_is() -> None:
    found = find_flake_origin([*runs(0, {5}, missing=3), *runs(0, {5, 7}, fails=2, passes=5)], {})
    assert (found.is_known, found.best) == (True, FlakeOrigin(7))


def test_nothing_is_known_if_no_record_has_the_tree_that_failed() -> None:
    unknown = TestRun(tree="t", ending=RunEnding.FAILED)
    found = find_flake_origin([*runs(0, {5}, passes=40), unknown], {})
    assert (found.is_known, found.credible, found.best) == (False, (), FlakeOrigin())
