"""The rate of a flaky test with its interval, and how often a test must run to be seen failing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, exp, expm1, lgamma, log, log1p

from sessions.gates.run_history import RunCounts

CONFIDENCE = 0.95
# A tree on which a test always failed counts as one that breaks the test, and not as chance, if so many failures in a
# row are less likely than this.
_CHANCE = 0.01
# Halvings of an interval: enough for a double.
_STEPS = 50


def rate_interval(fails: int, runs: int) -> tuple[float, float]:
    """Return the limits between which the failure rate lies with a confidence of 95 %, both from 0 to 1.

    This is the exact interval of Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case
    of the binomial, Biometrika 26 (1934), pages 404 to 413: each limit is the rate at which a count as extreme as
    ``fails`` has a probability of 2.5 %. It covers the rate at least as often as it says, also with a single failure,
    where Wilson's interval does not.
    """
    tail = (1 - CONFIDENCE) / 2
    low = _solve(lambda rate: 1 - _at_most(fails - 1, runs, rate) >= tail) if fails else 0.0
    high = _solve(lambda rate: _at_most(fails, runs, rate) <= tail) if fails < runs else 1.0
    return low, high


def runs_to_see(rate: float) -> int:
    """Return how many runs show at least one failure with a probability of 95 %, at a ``rate`` above 0."""
    return 1 if rate >= CONFIDENCE else ceil(log(1 - CONFIDENCE) / log1p(-rate))


def rate_to_see(runs: int) -> float:
    """Return the lowest failure rate that so many runs reveal in 95 % of cases: the inverse of :func:`runs_to_see`."""
    return -expm1(log(1 - CONFIDENCE) / runs)


def is_by_chance(counts: RunCounts, rate: float) -> bool:
    """Whether the runs on one tree can be those of a test with this failure rate, and not of a test that is broken."""
    return counts.passes > 0 or rate**counts.fails > _CHANCE


def rate_where_mixed(trees: Iterable[RunCounts]) -> float:
    """Return the failure rate on the trees on which a test both failed and passed; 0 if it did so on none."""
    mixed = sum((counts for counts in trees if counts.minority), RunCounts())
    return mixed.fails / mixed.total if mixed.total else 0.0


def _at_most(fails: int, runs: int, rate: float) -> float:
    """Return the probability of at most so many failures: the distribution function of the binomial."""
    if rate in (0.0, 1.0):
        return 1.0 if rate == 0.0 or fails >= runs else 0.0
    whole, odds = lgamma(runs + 1) + runs * log1p(-rate), log(rate) - log1p(-rate)
    terms = (exp(whole - lgamma(k + 1) - lgamma(runs - k + 1) + k * odds) for k in range(fails + 1))
    return min(sum(terms), 1.0)


def _solve(is_reached: Callable[[float], bool]) -> float:
    """Return the smallest rate at which a condition holds that holds from some rate on."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return high
