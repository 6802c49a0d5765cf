"""How much runs weigh: a test that tickets break, beside one that fails by chance. Pure.

A sequential probability ratio test (Wald, Sequential Analysis, 1947), with mixtures over what is not known in
advance, as in his section on weight functions: runs go on until one explanation has so great odds that more runs are
needless. Its bound: a test that fails by chance is blamed on somebody with a probability of about 1/ODDS, whatever the
number of runs, as only their likelihood counts and not when one stops looking.

* Of a **steady** test, each run shows what the tickets do, but for those that err, at a rate that nobody knows:
  Beta(1, 19), so about 5 % before anything is known.
* A test that fails **by chance** does so at some rate, all rates being equally likely: Beta(1, 1).
* One that fails by chance only with the ticket that brings it does so at some rate up to three of four.

The test's own history moves both: after many runs that never differed on one tree, a rate of more than a few per cent
is out of the question, and few runs are enough. A test that was seen flaky may be so at any rate today, and needs many.
"""

from __future__ import annotations

from math import exp, inf, lgamma, log

from sessions.gates.results import RunHistory

ODDS = 1000.0
# Only what is worth a search is asked here: that search has odds of its own.
_NEW_ODDS, _CHANCE_ODDS, _LOOKS = 20.0, 50.0, 10
# Up to three of four: what fails more often is rather broken, by whoever brought it, than flaky.
_RATES = tuple((2 * step + 1) / 64 for step in range(24))


def steady(wrong: int, right: int, history: RunHistory) -> float:
    """Logarithm of the likelihood of a steady test's runs, of which ``wrong`` erred."""
    before = _beta(1 + history.odd, 19 + history.runs - history.odd) if history.odd else _beta(1, 19)
    return _beta(1 + history.odd + wrong, 19 + history.runs - history.odd + right) - before


def by_chance(fails: int, passes: int, history: RunHistory) -> float:
    """Logarithm of the likelihood of the runs of a test that fails by chance."""
    return _beta(1 + fails, 1 + passes + (0 if history.odd else history.runs))


def seldom(fails: int, passes: int) -> float:
    """The same of a test that fails by chance in no more than three of four runs, whichever the rate."""
    return together([fails * log(rate) + passes * log(1 - rate) for rate in _RATES]) - log(len(_RATES))


def is_new(head: tuple[int, int], release: tuple[int, int], history: RunHistory) -> bool | None:
    """Whether a test fails on the head and not on the release, for more reasons than chance; ``None``: look again.

    Of both, how often it failed and passed, with the first run that began it. Two looks that agree are enough; after
    ten, it is what is likelier.
    """
    (fails, lost), (stray, passes) = head, release
    if not lost and not stray:
        return True
    runs = fails + lost + stray + passes
    new = steady(lost + stray, fails + passes, history)
    same = (steady(wrong, runs - wrong, history) for wrong in (fails + stray, lost + passes))
    odds = new - together([by_chance(fails + stray, lost + passes, history), *same])
    is_open = -log(_CHANCE_ODDS) < odds < log(_NEW_ODDS)
    return None if is_open and fails + lost < _LOOKS else odds > 0


def together(logs: list[float]) -> float:
    """The logarithm of the sum."""
    highest = max(logs, default=-inf)
    return highest + log(sum(exp(each - highest) for each in logs)) if highest > -inf else -inf


def _beta(first: float, second: float) -> float:
    return lgamma(first) + lgamma(second) - lgamma(first + second)
