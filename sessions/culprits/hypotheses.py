r"""How likely it is that a given ticket or pair breaks a test, from all runs so far. Pure mathematics.

A hypothesis names a group G of tickets (one, or two). Let a run be *with* G if its subset contains G. Likelihoods are
those of :mod:`~sessions.culprits.evidence`; S(e, c) is that of a steady test with e errors and c correct runs.

* **sole cause**: the test fails exactly in runs with G. Passing runs with G and failing runs without it are errors.
* **one of several causes**: failing runs without G may have another cause, so only passing runs with G and minority
  answers of subsets without G are errors. Prior 1/100, and 1/2 for each subset without G, which may fail or pass.
* **made flaky**: with G the test fails at a rate up to 3/4, without G never. Prior 1/10, divided by (1 + r) for each
  ticket of G, where r is the number of steady runs before.

Priors of the group: 9/10 that it is one ticket, spread evenly over the line, 1/10 that it is a pair. Against all these
stand **flaky** (the test fails at some rate on every subset) and **other**: prior 1/1000, errors are only the minority
answers, and 1/2 for each answer that no other one implies.

Pairs are only considered when some run contradicts each single ticket, which saves n²/2 likelihoods otherwise.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import log

from sessions.culprits.evidence import Repeatable, log_flaky, log_made_flaky, log_steady, log_sum
from sessions.culprits.findings import Subset
from sessions.culprits.tally import SubsetRuns, total
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.tickets.order import Needs, closure

# Priors, as logarithms: a single ticket, a pair, something else, one of several causes, made flaky by a ticket.
_SINGLE, _PAIR, _OTHER, _SEVERAL, _MADE_FLAKY = log(0.9), log(0.1), log(0.001), log(0.01), log(0.1)
_HALF = log(0.5)
# An error that comes by chance names a file that a ticket of the line changes in one of so many cases.
_NAMED = log(16)


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """The log-likelihoods that ``group`` breaks the test.

    ``sole`` is that of the sole cause, ``cause`` the greater one of sole cause and one of several, ``suspected`` the
    same with the suspicion added, ``made_flaky`` that the group makes the test flaky.
    """

    group: Subset
    sole: float
    cause: float
    suspected: float
    made_flaky: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All hypotheses, the likeliest first, and the log-likelihoods of ``flaky`` and ``other``."""

    hypotheses: tuple[Hypothesis, ...]
    flaky: float
    other: float

    @property
    def best(self) -> Hypothesis | None:
        """The likeliest group; ``None`` if all are ruled out."""
        return self.hypotheses[0] if self.hypotheses else None

    @property
    def is_other_likelier(self) -> bool:
        """Whether something else is likelier than the eight best groups together."""
        return self.other >= log_sum(each.suspected for each in self.hypotheses[:8])

    @property
    def is_flaky_likelier(self) -> bool:
        """Whether a flaky test is likelier than everything else together."""
        return self.flaky > self._broken

    @property
    def flaky_odds(self) -> float:
        """The log-odds that the test is flaky, by itself or made so by a ticket, against everything else."""
        return log_sum([self.flaky, *(each.made_flaky for each in self.hypotheses)]) - self._broken

    @cached_property
    def _broken(self) -> float:
        return log_sum([self.other, *(each.suspected for each in self.hypotheses)])


@dataclass(frozen=True, kw_only=True)
class Model:
    """Computes the likelihoods for one test on the merge line ``line``.

    ``needs`` are the dependencies within the line. ``suspicion`` (0 and above) multiplies a ticket's likelihood by
    1 + suspicion where the next query is chosen; it has no part in proofs, except for ``repeatable`` failures.
    """

    line: Sequence[int]
    needs: Needs
    suspicion: Mapping[int, float]
    history: RunHistory
    repeatable: Repeatable | None = None

    def rank(self, runs: Sequence[SubsetRuns], excluded: Container[Subset]) -> Ranking:
        """Rank all groups but the ``excluded`` ones in the light of all runs."""
        counts, minority = total(runs), sum(each.counts.minority for each in runs)
        other = _OTHER + _HALF * _surprises(runs) + log_steady(minority, counts.total - minority, self.history)
        groups = [frozenset([number]) for number in self.line]
        ranked = self._hypotheses(groups, _SINGLE, runs, excluded)
        if not any(fits_all(group, runs) for group in groups if group not in excluded):
            ranked += self._hypotheses(self._pairs, _PAIR, runs, excluded)
        ranked.sort(key=lambda hypothesis: -hypothesis.suspected)
        flaky = self.log_flaky(counts.fails, counts.passes)
        return Ranking(hypotheses=tuple(ranked), flaky=flaky, other=other)

    def log_flaky(self, fails: int, passes: int) -> float:
        """Log-likelihood that the test is flaky on every subset.

        That a failure came the same way each time is no number of runs that passed: it is a prior.
        """
        if self.repeatable:
            steady = log_steady(0, 0, self.repeatable.history)  # what all other likelihoods begin with
            return log_flaky(fails, passes, RunHistory()) + steady - log(self.repeatable.odds)
        return log_flaky(fails, passes, self.history)

    def log_named(self, group: Subset) -> float:
        """Logarithm of what it counts in a proof that an error, which is repeatable, names a file of the group."""
        return min(_NAMED, max(map(self._log_suspicion, group))) if self.repeatable else 0.0

    def log_group_makes_flaky(self, size: int, inside: RunCounts, outside: RunCounts) -> float:
        """Log-likelihood that a group of ``size`` tickets makes the test flaky.

        ``inside`` counts the runs with the group and ``outside`` those without it. A test that the ledger knows as
        steady hardly becomes flaky by a ticket: the prior falls with the number of its runs.
        """
        steady_runs = self.history.runs if 5 * self.history.odd <= self.history.runs else 0
        prior = _MADE_FLAKY - size * log(1 + steady_runs)
        return (
            prior
            + log_made_flaky(inside.fails, inside.passes)
            + log_steady(outside.fails, outside.passes, self.history)
        )

    def _hypotheses(
        self, groups: Sequence[Subset], prior: float, runs: Sequence[SubsetRuns], excluded: Container[Subset]
    ) -> list[Hypothesis]:
        each_prior = prior - log(len(groups)) if groups else 0.0
        return [self._hypothesis(group, each_prior, runs) for group in groups if group not in excluded]

    def _hypothesis(self, group: Subset, prior: float, runs: Sequence[SubsetRuns]) -> Hypothesis:
        # Plain integers: a line of 60 tickets has 1,770 pairs, weighed anew after each batch.
        fails, passes, outside_fails, outside_passes = 0, 0, 0, 0
        minority = subsets_outside = release_fails = 0
        for each in runs:
            counts = each.counts
            if group <= each.subset:
                fails += counts.fails
                passes += counts.passes
            elif each.subset:
                outside_fails += counts.fails
                outside_passes += counts.passes
                minority += min(counts.fails, counts.passes)
                subsets_outside += 1
            else:
                release_fails = counts.fails
                outside_passes += counts.passes
        count = fails + passes + outside_fails + outside_passes + release_fails
        errors = passes + outside_fails + release_fails
        sole = prior + log_steady(errors, count - errors, self.history)
        errors = passes + release_fails + minority
        several = prior + (_SEVERAL + _HALF * subsets_outside + log_steady(errors, count - errors, self.history))
        # A release that fails contradicts the group as much as a passing run with it.
        inside = RunCounts(fails=fails, passes=passes + release_fails)
        outside = RunCounts(fails=outside_fails, passes=outside_passes)
        return Hypothesis(
            group=group,
            sole=sole,
            cause=max(sole, several),
            suspected=max(sole, several) + sum(map(self._log_suspicion, group)),
            made_flaky=prior + self.log_group_makes_flaky(len(group), inside, outside),
        )

    @cached_property
    def _pairs(self) -> list[Subset]:
        """All pairs of which neither needs the other: else one ticket's subset always contains the pair."""
        below = {number: closure(frozenset([number]), self.needs) for number in self.line}
        return [frozenset(pair) for pair in combinations(self.line, 2) if pair[0] not in below[pair[1]]]

    def _log_suspicion(self, number: int) -> float:
        return log(1 + self.suspicion.get(number, 0.0))


def fits_all(group: Subset, runs: Sequence[SubsetRuns]) -> bool:
    """Whether no run contradicts that the group is the sole cause."""
    return all(not each.counts.passes if group <= each.subset else not each.counts.fails for each in runs)


def _surprises(runs: Sequence[SubsetRuns]) -> int:
    """Count the answers that no other one implies, if no ticket repairs what another one breaks.

    These are the smallest failing and the largest passing subsets, without the whole line and the release.
    """
    failing = [each.subset for each in runs if each.counts.fails > each.counts.passes]
    passing = [each.subset for each in runs if each.counts.fails <= each.counts.passes]
    smallest = [subset for subset in failing if not any(other < subset for other in failing)]
    largest = [subset for subset in passing if not any(other > subset for other in passing)]
    return len(smallest) + len(largest) - 2
