"""Likelihoods of a test's runs: does a ticket break the test, or is the test flaky? Pure.

This is a sequential probability ratio test (Wald, Sequential Analysis, 1947). Runs are repeated until one explanation
is ODDS times likelier than all others. Rates that are not known in advance are integrated out with a prior, as in
Wald's section on weight functions. The bound holds however many runs there are: a flaky test is blamed on a ticket with
a probability of about 1/ODDS.

* A **steady** test does the same in each run on the same tickets, except for runs that err. Prior of the error rate:
  Beta(1, 19), which is 5 % on average.
* A **flaky** test fails at some rate on every subset. Prior of the rate: Beta(1, 1), all rates being equally likely.
* A test that a ticket **makes flaky** fails at some rate up to 3/4 with that ticket, and never without it.

With B the beta function, the likelihood of f failures and p passes under a prior Beta(a, b) of the failure rate is
B(a + f, b + p) / B(a, b). All functions return natural logarithms.

The ledger's history counts, too. If no earlier run was odd, the earlier runs enter both likelihoods as runs that
passed: a high failure rate is then ruled out, and few runs are enough. If some were, they only update the prior of the
error rate: the test may fail at any rate today, and needs many runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import exp, inf, lgamma, log

from sessions.gates.run_history import RunCounts, RunHistory

# What it is worth that a failure came with the same error each time, as odds against chance: where a run is dear, and
# where a few more are affordable or the runs contradict every single ticket.
_DEAR_ODDS, _CHEAP_ODDS = 64.0, 4.0
# Failures of the same kind err as seldom as a test with so many steady runs.
_STEADY_RUNS = 100
# A run that takes longer, in seconds, is dear.
_DEAR_SECONDS = 600.0
# How much likelier an explanation must be than all others together before it is acted on.
ODDS = 1000.0
# Odds in the second looks before a search. They only decide whether a search is worth it, so they may be lower.
_NEW_ODDS, _FLAKY_ODDS = 20.0, 50.0
# After this many looks the likelier explanation counts.
_LOOKS = 10
# Failure rates of a test that a ticket makes flaky: up to 3/4, in equal steps. A test that fails more often is broken.
_RATES = tuple((2 * step + 1) / 64 for step in range(24))


@dataclass(frozen=True, kw_only=True)
class Repeatable:
    """What it is worth that a failure came with the same error each time, as builds mostly do.

    It comes ``odds`` times likelier from a ticket than by chance, before any run of the search. Its runs err as seldom
    as those of a test with the ``history``.
    """

    odds: float
    history: RunHistory = field(default_factory=lambda: RunHistory(runs=_STEADY_RUNS))

    @classmethod
    def at(cls, seconds: float) -> Repeatable:
        """Return what it is worth where a run takes so long: the longer, the fewer runs must do."""
        return cls(odds=_DEAR_ODDS if seconds > _DEAR_SECONDS else _CHEAP_ODDS)

    def contradicted(self) -> Repeatable:
        """Return what it is worth when no ticket fits all runs, or one that left for it has left in vain."""
        return replace(self, odds=min(self.odds, _CHEAP_ODDS))


def log_steady(errors: int, correct: int, history: RunHistory) -> float:
    """Log-likelihood that the test is steady, if ``errors`` runs contradict the explanation and ``correct`` do not."""
    prior = _log_beta(1 + history.odd, 19 + history.runs - history.odd) if history.odd else _log_beta(1, 19)
    return _log_beta(1 + history.odd + errors, 19 + history.runs - history.odd + correct) - prior


def log_flaky(fails: int, passes: int, history: RunHistory) -> float:
    """Log-likelihood that the test is flaky on every subset, whatever the failure rate."""
    return _log_beta(1 + fails, 1 + passes + (0 if history.odd else history.runs))


def log_made_flaky(fails: int, passes: int) -> float:
    """Log-likelihood of the runs with a ticket that makes the test flaky, whatever the failure rate up to 3/4."""
    return log_sum([fails * log(rate) + passes * log(1 - rate) for rate in _RATES]) - log(len(_RATES))


def is_new(head: RunCounts, release: RunCounts, history: RunHistory) -> bool | None:
    """Whether a test fails on the head, passes on the release, and is not flaky; ``None`` if it needs another look.

    ``head`` and ``release`` count all runs there, including the first failing one. Two looks that agree are enough.
    """
    if not head.passes and not release.fails:
        return True
    runs = head.total + release.total
    new = log_steady(head.passes + release.fails, head.fails + release.passes, history)
    fails, passes = head.fails + release.fails, head.passes + release.passes
    # It fails on both, or passes on both, and the other runs are errors.
    same = (log_steady(errors, runs - errors, history) for errors in (fails, passes))
    odds = new - log_sum([log_flaky(fails, passes, history), *same])
    is_open = -log(_FLAKY_ODDS) < odds < log(_NEW_ODDS)
    return None if is_open and head.total < _LOOKS else odds > 0


def log_sum(logs: Iterable[float]) -> float:
    """Return the logarithm of the sum of the numbers whose logarithms are given; ``-inf`` for none."""
    values = list(logs)
    highest = max(values, default=-inf)
    return highest + log(sum(exp(each - highest) for each in values)) if highest > -inf else -inf


def _log_beta(first: float, second: float) -> float:
    return lgamma(first) + lgamma(second) - lgamma(first + second)
