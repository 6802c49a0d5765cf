"""Decide by repeated runs whether a ticket brings a flaky test, and how many runs that takes. Pure.

1. The files that tickets add or change run on the head until each test was seen both failing and passing, at most
   ``RUNS`` times: a test that fails in one run of twenty (``RATE``) fails at least once with a probability of 95 %.
2. A test that did both runs with the ticket and what it needs alone. How often is fixed beforehand, so that the limits
   of its failure rate are exact: as many runs as show a failure at half the rate seen on the head with 95 %. If none of
   them fails, it runs ``_MOST_WITH`` times.
3. It runs without the ticket until its passes are ``_ODDS`` times likelier if the ticket is the source than if it fails
   at the same rate, which is unknown, there (the test of :mod:`sessions.culprits.evidence`). A single failure there
   clears the ticket, and so does a test that never fails with the ticket alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import log

from sessions.culprits.evidence import log_flaky
from sessions.gates.flake_source import FlakeSource
from sessions.gates.flake_statistics import runs_to_see
from sessions.gates.results import Presence
from sessions.gates.run_history import RunCounts, RunHistory

# The failure rate that is to be seen, and the runs that show it.
RATE = 0.05
RUNS = runs_to_see(RATE)
_FIRST_BATCH = 4
# A test that failed in so many runs of its file, and in no other, does not fail by chance. One that fails in 80 % does
# so with a probability of 7 %.
_ALWAYS = 12
# How much likelier a ticket must be as the source than a test that was flaky before, and after how many runs this stays
# open.
_ODDS = 100.0
_MOST_WITH = 2 * RUNS
_MOST_WITHOUT = 3 * RUNS
_BATCH_WITHOUT = 8


class SoakPlace(StrEnum):
    """With what a test runs again: with the ticket and what it needs, or with what it needs alone."""

    WITH = "with"
    WITHOUT = "without"


@dataclass(frozen=True, kw_only=True)
class JudgedFlake:
    """Where a flaky test comes from; its runs ``with_`` the ticket alone, and how it ended in runs without."""

    source: FlakeSource
    with_: RunCounts = field(default_factory=RunCounts)
    without: tuple[Presence, ...] = ()


def soak_batches(runs: int) -> Iterator[int]:
    """Yield the sizes of batches that together are ``runs``; each but the last is twice as large as the one before."""
    size = _FIRST_BATCH
    while runs > 0:
        yield min(size, runs)
        runs, size = runs - size, 2 * size


def is_settled(counts: RunCounts) -> bool:
    """Whether more runs on the head are of no use for a test: it did both, or always fails."""
    return counts.minority > 0 or always_fails(counts)


def always_fails(counts: RunCounts) -> bool:
    """Whether a test fails whenever only its file runs."""
    return not counts.passes and counts.fails >= _ALWAYS


def runs_with_ticket(head: RunCounts) -> int:
    """Return how often a test runs with the ticket alone, after it failed on the head."""
    return min(runs_to_see(head.fails / head.total / 2), _MOST_WITH)


def judge_flake(runs: int) -> Generator[tuple[SoakPlace, int], Sequence[Presence], JudgedFlake | None]:
    """Find where a flaky test comes from, with so many ``runs`` with the ticket alone.

    Yields where to run it and how often, and receives how it ended; fewer endings than runs if there is no time for
    more. Returns ``None`` if the test does not exist with the ticket alone.
    """
    seen: list[Presence] = []
    for enough in (min(runs, _FIRST_BATCH), runs, _MOST_WITH):
        is_needed = enough <= runs or not RunCounts.of(seen).fails
        if is_needed and len(seen) < enough:
            seen += yield SoakPlace.WITH, enough - len(seen)
            if len(seen) < enough:
                return JudgedFlake(source=FlakeSource.UNCLEAR, with_=RunCounts.of(seen))
        if all(each is Presence.ABSENT for each in seen):
            return None
    with_ = RunCounts.of(seen)
    if not with_.total:
        return JudgedFlake(source=FlakeSource.UNCLEAR)
    if not with_.fails:
        return JudgedFlake(source=FlakeSource.OTHERS, with_=with_)
    without: list[Presence] = []
    size = 2
    while True:
        more = yield SoakPlace.WITHOUT, size
        without += more
        if source := _source(with_, without, has_time=len(more) == size):
            return JudgedFlake(source=source, with_=with_, without=tuple(without))
        size = _BATCH_WITHOUT


def _source(with_: RunCounts, without: Sequence[Presence], *, has_time: bool) -> FlakeSource | None:
    """Return the source if it is clear by now, or stays open."""
    counts = RunCounts.of(without)
    if counts.fails:
        return FlakeSource.BEFORE
    if not counts.total and without.count(Presence.ABSENT) >= 2:
        return FlakeSource.TICKET
    nothing = RunHistory()
    same = log_flaky(with_.fails, with_.passes + counts.passes, nothing)
    if log_flaky(with_.fails, with_.passes, nothing) - same >= log(_ODDS):
        return FlakeSource.TICKET
    return None if has_time and len(without) < _MOST_WITHOUT else FlakeSource.UNCLEAR
