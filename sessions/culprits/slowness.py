"""Judge by paired runs whether a test file became slower, and find the tickets that make it so. Pure.

A pair is a run without and a run with some tickets, one right after the other; which is first alternates. Each pair
gives ``x``, the logarithm of the ratio of the two durations. How much ``x`` varies is measured by the pairs themselves.
With ``S`` the sum and ``V`` the sum of squares of ``x - m`` over ``n`` pairs, the evidence against the mean ``m`` is

    sqrt(c / (n + c)) * ((n + c) V / ((n + c) V - S^2)) ^ (n / 2)

This is the Bayes factor of the t-test with a normal prior of variance 1 / c on the effect size (Gönen, Johnson, Lu
and Westfall, The two-sample Bayesian t test, The American Statistician 59 (2005), pages 252 to 257). If ``x`` is normal
with mean ``m``, it ever reaches 1 / p with a probability of at most p, so it may be looked at after each pair (Wang and
Ramdas, Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance, Sequential Analysis 44
(2025), pages 56 to 110).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, inf, log, sqrt
from statistics import fmean

# A file that is not slower is called so with at most this probability: once in 1,000 files on each of ten days.
CHANCE = 1e-4
# How often a file runs each way at most.
MOST_PAIRS = 80
# Durations below this, in seconds, are not judged: they are mostly the start of the test, and rounding.
LEAST_SECONDS = 0.5
# How sure it is that a file is not `slower` times slower before it runs no more. This loses slowdowns and invents none.
_FUTILE = 0.01
# The `c` of the formula: a slowdown that matters is about twice the noise of a pair.
_PRIOR = 0.25
_CONFIDENCE = 0.95
_MOST_TOGETHER = 3


class Pace(StrEnum):
    """What paired runs show of a file."""

    SLOWER = "slower"
    SAME = "same"
    UNCLEAR = "unclear"


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """How many times as long a file takes, with its limits (95 %, whenever one stops), in so many runs each way."""

    ratio: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True, kw_only=True)
class Versus:
    """A question: does a file take longer ``with`` some tickets than ``without`` some of them?"""

    with_: frozenset[int]
    without: frozenset[int] = frozenset()


def is_suspect(release: float, head: float, usual: float) -> bool:
    """Whether one run on the release and one on the head, in seconds, give a reason to run a file in pairs.

    Half of the steady files do: at two times, durations differ more than in a pair. ``usual`` is the median ratio of
    all files: the whole head may have run at a quieter time than the release.
    """
    return head >= LEAST_SECONDS and head >= release * min(usual, 1.0)


def judge_pace(logs: Sequence[float], slower: float) -> Pace | None:
    """Return what pairs show, as logarithms of ratios; ``None`` if more of them are needed.

    A file is slower if it is shown to be slower at all, and its ratio is nearer to ``slower`` than to 1.
    """
    if not logs:
        return None
    limit, mean = log(slower), fmean(logs)
    if mean >= limit / 2 and log_evidence(logs, 0.0) >= -log(CHANCE):
        return Pace.SLOWER
    if mean < limit and log_evidence(logs, limit) >= -log(_FUTILE):
        return Pace.SAME
    return Pace.UNCLEAR if len(logs) >= MOST_PAIRS else None


def log_evidence(logs: Sequence[float], mean: float) -> float:
    """Return the logarithm of the evidence against this mean."""
    n, total = len(logs), sum(each - mean for each in logs)
    squares = (n + _PRIOR) * sum((each - mean) ** 2 for each in logs)
    if not squares:
        return 0.0
    return (log(_PRIOR / (n + _PRIOR)) + n * (log(squares) - log(squares - total**2))) / 2


def measure_slowdown(logs: Sequence[float]) -> Slowdown:
    """Return the ratio that pairs show, and its limits: the means against which there is not enough evidence."""
    n, mean = len(logs), fmean(logs)
    share = (n + _PRIOR) * (1 - ((1 - _CONFIDENCE) * sqrt(_PRIOR / (n + _PRIOR))) ** (2 / n))
    spread = sum((each - mean) ** 2 for each in logs)
    width = sqrt(share * spread / (n * (n - share))) if share < n else inf
    return Slowdown(ratio=exp(mean), low=exp(mean - width), high=exp(mean + width), runs=n)


def find_slowing(
    line: Sequence[int], closed: Callable[[Iterable[int]], frozenset[int]]
) -> Generator[Versus, Pace, tuple[int, ...]]:
    """Find the tickets of a line that together make a file slower; the line as a whole does.

    ``closed`` adds what tickets need. The line is halved until the first ticket is found with which the file is slower.
    If that ticket is not enough, the same is done for the tickets that it needs beside it. Finally the file must be
    slower with those found than without any one of them. Returns them, the last of the line first; none if that is not
    shown. The last question is the one about the last of the line.
    """
    found: list[int] = []
    while len(found) < _MOST_TOGETHER:
        own = closed(found)
        rest = [number for number in line if number not in own]
        fast, slow = 0, len(rest)
        while slow - fast > 1:
            middle = (fast + slow) // 2
            pace = yield Versus(with_=closed(rest[:middle]) | own)
            if pace is Pace.UNCLEAR:
                return ()
            fast, slow = (fast, middle) if pace is Pace.SLOWER else (middle, slow)
        if not rest:
            return ()
        found.append(rest[slow - 1])
        line = rest[: slow - 1]
        pace = yield Versus(with_=closed(found))
        if pace is Pace.SLOWER:
            is_shown = yield from _are_needed(found, closed)
            return tuple(found) if is_shown else ()
        if pace is Pace.UNCLEAR:
            return ()
    return ()


def _are_needed(
    found: Sequence[int], closed: Callable[[Iterable[int]], frozenset[int]]
) -> Generator[Versus, Pace, bool]:
    """Whether a file is slower with all tickets that were found than without any one of them and what needs it."""
    together = closed(found)
    for number in reversed(found):
        without = frozenset(each for each in together if number not in closed((each,)))
        if (yield Versus(with_=together, without=without)) is not Pace.SLOWER:
            return False
    return True
