"""The pure decisions of a soak."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

import pytest

from sessions.culprits.soak import (
    RUNS,
    JudgedFlake,
    SoakPlace,
    always_fails,
    is_settled,
    judge_flake,
    runs_with_ticket,
    soak_batches,
)
from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import Presence
from sessions.gates.run_history import RunCounts

FAILS, PASSES, ABSENT, HIDDEN = Presence.FAILED, Presence.PASSED, Presence.ABSENT, Presence.HIDDEN


def judge(
    runs: int, with_: Sequence[Presence], without: Sequence[Presence], *, most: int = 1000
) -> tuple[JudgedFlake | None, int]:
    """Answer with these endings over and over; return what was found, and after how many runs."""
    endings = {
        SoakPlace.WITH: chain.from_iterable(repeat(with_)),
        SoakPlace.WITHOUT: chain.from_iterable(repeat(without)),
    }
    judging, asked = judge_flake(runs), 0
    try:
        place, count = next(judging)
        while True:
            count = min(count, most - asked)
            asked += count
            place, count = judging.send([next(endings[place]) for _ in range(count)])
    except StopIteration as end:
        return end.value, asked


def test_a_flake_of_one_in_twenty_is_seen_with_95_percent() -> None:
    assert RUNS == 59
    assert 0.95**RUNS <= 0.05 < 0.95 ** (RUNS - 1)
    assert list(soak_batches(RUNS)) == [4, 8, 16, 31]
    assert list(soak_batches(3)) == [3]


def test_more_runs_on_the_head_are_of_no_use_once_a_test_did_both_or_always_fails() -> None:
    assert is_settled(RunCounts(fails=1, passes=1))
    assert is_settled(RunCounts(fails=12))
    assert not is_settled(RunCounts(fails=11))
    assert not is_settled(RunCounts(passes=58))
    assert not always_fails(RunCounts(fails=12, passes=1))


def test_a_rare_flake_runs_more_often_with_the_ticket_alone() -> None:
    assert runs_with_ticket(RunCounts(fails=2, passes=2)) == 11
    assert runs_with_ticket(RunCounts(fails=1, passes=3)) == 23
    assert runs_with_ticket(RunCounts(fails=1, passes=58)) == 118


@pytest.mark.parametrize(
    ("with_", "without", "source", "asked"),
    [
        ([PASSES, FAILS], [ABSENT], FlakeSource.TICKET, 20 + 2),
        ([PASSES, FAILS], [PASSES], FlakeSource.TICKET, 20 + 10),
        ([*[PASSES] * 19, FAILS], [PASSES], FlakeSource.UNCLEAR, 20 + 178),
        ([PASSES, FAILS], [PASSES, PASSES, FAILS], FlakeSource.BEFORE, 20 + 10),
        ([PASSES], [ABSENT], FlakeSource.OTHERS, 118),
        ([HIDDEN], [PASSES], FlakeSource.UNCLEAR, 118),
        ([PASSES, FAILS], [HIDDEN], FlakeSource.UNCLEAR, 20 + 178),
    ],
)
def test_sources(with_: list[Presence], without: list[Presence], source: FlakeSource, asked: int) -> None:
    judged, runs = judge(20, with_, without)
    assert judged
    assert (judged.source, runs) == (source, asked)


def test_a_test_that_does_not_exist_with_the_ticket_is_not_its_own() -> None:
    assert judge(20, [ABSENT], [PASSES]) == (None, 4)


@pytest.mark.parametrize("most", [0, 3, 4, 19, 20, 21, 24])
def test_without_time_for_enough_runs_nothing_is_said(most: int) -> None:
    judged, _ = judge(20, [PASSES, FAILS], [PASSES], most=most)
    assert judged
    assert judged.source is FlakeSource.UNCLEAR
