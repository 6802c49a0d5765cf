from __future__ import annotations

import pytest

from sessions.source.stacked import carried_tickets

# What is new since the release: a line a, b, c, d, and m, which merges b into x. `root` is in the release.
PARENTS = {"a": ("root",), "b": ("a",), "c": ("b",), "d": ("c",), "x": ("root",), "m": ("x", "b"), "y": ("root",)}


@pytest.mark.parametrize(
    ("heads", "carried"),
    [
        ({1: "b", 2: "d"}, {1: set(), 2: {1}}),
        ({1: "a", 2: "b", 3: "d"}, {1: set(), 2: {1}, 3: {1, 2}}),
        ({1: "d", 2: "x", 3: "y"}, {1: set(), 2: set(), 3: set()}),
        ({5: "m", 9: "b", 7: "c"}, {5: {9}, 9: set(), 7: {9}}),
        ({1: "c", 2: "c"}, {1: set(), 2: {1}}),
        ({2: "c", 1: "c", 3: "d"}, {1: set(), 2: {1}, 3: {1, 2}}),
        ({1: "root", 2: "d"}, {1: set(), 2: set()}),
        ({1: "", 2: "d"}, {1: set(), 2: set()}),
    ],
    ids=["built upon", "a pile", "apart", "merged in", "the same", "the same, and more", "long released", "none"],
)
def test_whose_branch_is_inside_whose(heads: dict[int, str], carried: dict[int, set[int]]) -> None:
    assert carried_tickets({number: frozenset([commit]) for number, commit in heads.items()}, PARENTS) == carried


def test_a_ticket_that_moved_on_is_still_carried_as_it_was() -> None:
    assert carried_tickets({1: frozenset("by"), 2: frozenset("d")}, PARENTS) == {1: set(), 2: {1}}


def test_a_ticket_that_moved_on_top_of_another_carries_it() -> None:
    assert carried_tickets({1: frozenset("ad"), 2: frozenset("c")}, PARENTS) == {1: {2}, 2: {1}}


def test_no_depth_of_history_is_too_much() -> None:
    chain = {str(n): (str(n - 1),) for n in range(1, 20001)}
    assert carried_tickets({1: frozenset(["1"]), 2: frozenset(["20000"])}, chain)[2] == {1}
