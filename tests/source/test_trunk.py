from __future__ import annotations

import pytest

from sessions.source.trunk import TargetBranch

# The release is `r`. Main is a, b, M (which merges the ticket p2), d. p1-p2 start at a; the others are open tickets.
PARENTS = {
    "a": ("r",),
    "b": ("a",),
    "p1": ("a",),
    "p2": ("p1",),
    "M": ("b", "p2"),
    "d": ("M",),
    "at-r": ("r",),
    "at-b1": ("b",),
    "at-b2": ("at-b1",),
    "on-at-b2": ("at-b2",),
    "on-p2": ("p2",),
    "merged-d": ("at-r", "d"),
}
MAIN = TargetBranch.of("main", "d", PARENTS)
NOBODY: frozenset[str] = frozenset()


def test_the_line_is_by_first_parents() -> None:
    assert MAIN.line == ("a", "b", "M", "d")
    assert MAIN.brought == {"a": 0, "b": 1, "M": 2, "p1": 2, "p2": 2, "d": 3}


@pytest.mark.parametrize(
    ("tip", "carried"),
    [("at-r", None), ("at-b2", "b"), ("p2", "a"), ("on-p2", "M"), ("merged-d", "d"), ("r", None), ("unknown", None)],
    ids=["at the release", "at main", "merged there", "on what was merged", "brought up to date", "old", "not here"],
)
def test_the_newest_of_mains_commits_that_a_ticket_carries(tip: str, carried: str | None) -> None:
    place = MAIN.newest_carried(tip, NOBODY)
    assert (None if place is None else MAIN.line[place]) == carried


def test_what_other_tickets_carry_is_asked_of_them() -> None:
    assert MAIN.newest_carried("on-at-b2", frozenset({"at-b2", "on-at-b2"})) is None
    assert MAIN.newest_carried("at-b2", frozenset({"at-b2", "on-at-b2"})) == 1


def test_counts_what_came_in_by_merges_too() -> None:
    trunk = MAIN.until(2, "3.1.0")
    assert (trunk.commit, trunk.line, trunk.commits) == ("M", ("a", "b", "M"), 5)
    assert str(trunk) == "main (5 commits since 3.1.0)"
    assert str(MAIN.until(0, "3.1.0")) == "main (1 commit since 3.1.0)"


def test_a_branch_that_begins_its_own_history() -> None:
    assert TargetBranch.of("main", "x", {"x": ("y",), "y": ()}).line == ("y", "x")
    assert TargetBranch.of("main", "r", PARENTS).line == ()


def test_no_depth_of_history_is_too_much() -> None:
    chain = {str(n): (str(n - 1),) for n in range(1, 20001)}
    branch = TargetBranch.of("main", "20000", chain)
    assert branch.newest_carried("new", NOBODY) is None
    assert branch.until(19999, "1.0").commits == 20000
