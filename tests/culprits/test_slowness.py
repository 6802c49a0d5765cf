"""When paired runs show that a file is slower, and which tickets they show to be the cause."""

from __future__ import annotations

import random
from math import log

import pytest

from sessions.culprits.slowness import (
    CHANCE,
    MOST_PAIRS,
    Pace,
    Versus,
    find_slowing,
    is_suspect,
    judge_pace,
    log_evidence,
    measure_slowdown,
)


def judge(ratio: float, spread: float, seed: int) -> tuple[Pace, list[float]]:
    """Judge a file that takes ``ratio`` times as long, with noise of this spread, against ``slower = 1.3``."""
    draw = random.Random(seed)  # noqa: S311
    logs: list[float] = []
    while (pace := judge_pace(logs, 1.3)) is None:
        logs.append(draw.gauss(log(ratio), spread))
    return pace, logs


def test_a_slower_file_is_found_and_measured() -> None:
    found = [judge(1.5, 0.15, seed) for seed in range(100)]
    assert sum(pace is Pace.SLOWER for pace, _ in found) >= 97
    measured = [measure_slowdown(logs) for pace, logs in found if pace is Pace.SLOWER]
    assert sum(each.low < 1.5 < each.high for each in measured) >= 93
    assert all(1 < each.low < each.ratio < each.high and each.runs <= MOST_PAIRS for each in measured)


def test_a_steady_file_is_not_called_slower() -> None:
    assert not [seed for seed in range(1000) if judge(1.0, 0.3, seed)[0] is Pace.SLOWER]
    assert sum(judge(1.0, 0.1, seed)[0] is Pace.SAME for seed in range(100)) >= 99


def test_what_varies_too_much_stays_unclear() -> None:
    pace, logs = judge(1.5, 3.0, seed=1)
    assert (pace, len(logs)) == (Pace.UNCLEAR, MOST_PAIRS)
    assert log_evidence(logs, 0.0) < -log(CHANCE)


def test_equal_durations_are_no_evidence() -> None:
    assert judge_pace([], 1.3) is None
    assert log_evidence([0.0] * 5, 0.0) == 0.0
    assert judge_pace([0.0] * 5, 1.3) is Pace.SAME
    assert measure_slowdown([0.1]).high == float("inf")


@pytest.mark.parametrize(
    ("release", "head", "usual", "suspect"),
    [(1.0, 1.3, 1.0, True), (1.0, 0.9, 1.0, False), (0.1, 0.4, 1.0, False), (1.0, 0.7, 0.5, True), (1.0, 1.3, 2, True)],
)
def test_a_file_runs_in_pairs_if_it_took_long(release: float, head: float, usual: float, suspect: bool) -> None:
    assert is_suspect(release, head, usual) is suspect


@pytest.mark.parametrize("cause", [{1}, {5}, {8}, {2, 7}, {1, 8}, {3, 4, 6}])
def test_the_tickets_that_slow_a_file_are_found(cause: set[int]) -> None:
    """7 needs 6, which is then merged with it."""
    assert search(cause) == tuple(sorted(cause - ({6} if 7 in cause else set()), reverse=True))


def test_nobody_is_named_where_it_is_not_shown() -> None:
    assert search({1, 2, 3, 4}) == ()
    assert search({3}, unclear=frozenset({1, 2})) == ()


def search(cause: set[int], unclear: frozenset[int] = frozenset()) -> tuple[int, ...]:
    needs = {7: frozenset({6})}
    finding = find_slowing(
        range(1, 9), lambda numbers: frozenset().union(*({n} | needs.get(n, set()) for n in numbers))
    )
    question = next(finding)
    try:
        while True:
            question = finding.send(_answer(question, cause, unclear))
    except StopIteration as end:
        found: tuple[int, ...] = end.value
        return found


def _answer(question: Versus, cause: set[int], unclear: frozenset[int]) -> Pace:
    if question.with_ == unclear:
        return Pace.UNCLEAR
    return Pace.SLOWER if cause <= question.with_ and not cause <= question.without else Pace.SAME
