from __future__ import annotations

from sessions.day.slowness_scope import affordable, suspect_files
from sessions.gates.results import Failure, Results, TestId

RELEASE = Results(
    times={"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0, "e": 1.0, "f": 0.1},
    counts={"b": 3, "c": 3},
    passed=(TestId("a", "x"),),
    failures=(Failure(test=TestId("e", "x")),),
)
HEAD = Results(
    times={"a": 1.2, "b": 1.5, "c": 1.5, "d": 0.8, "e": 2.0, "f": 0.4, "new": 3.0},
    counts={"b": 3, "c": 4},
    passed=(TestId("a", "x"),),
)


def test_files_with_the_same_tests_that_took_longer_are_suspects() -> None:
    assert suspect_files(RELEASE, HEAD) == ("b", "a")
    assert suspect_files(Results(), HEAD) == ()


def test_the_slowest_are_judged_first_where_time_is_short() -> None:
    assert affordable(("b", "a"), RELEASE, HEAD, 30.0) == ("b",)
    assert affordable(("b", "a"), RELEASE, HEAD, 1.0) == ("b",)
    assert affordable(("b", "a"), RELEASE, HEAD, 50.0) == ("b", "a")
