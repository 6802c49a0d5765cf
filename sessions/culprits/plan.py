"""Which runs to ask for next, and when a blame is proven. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import comb, exp, log

from sessions.culprits.evidence import ODDS, log_flaky, log_steady, log_sum
from sessions.culprits.findings import Blame, Flaky, Query, Subset
from sessions.culprits.hypotheses import Hypothesis, Model, Ranking, fits_all
from sessions.culprits.tally import SETTLED_RUNS, Batch, Tally, total
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.tickets.order import closure

# One subset is not run more often than this: if nothing is proven by then, the test is reported as flaky.
_MOST_RUNS = 24
# Hypotheses beyond these weigh too little to decide which subset splits them.
_TOP = 64
# A subset splits well if the hypotheses that it contains have a probability between 0.05 and 0.95.
_UNEVEN = 0.45


@dataclass(kw_only=True)
class Plan:
    """Plans the runs of one search.

    ``excluded`` are the groups that cannot be proven to break the test. ``doubted`` is for a failure that is taken to
    come the same way each time: the history that counts as soon as runs of one subset differ.
    """

    tally: Tally
    model: Model
    excluded: set[Subset] = field(default_factory=set)
    doubted: RunHistory | None = None

    @property
    def dear(self) -> bool:
        """Whether runs are dear. A group is then confirmed by one run at a time: the first may speak against it."""
        return self.doubted is not None

    def ranking(self) -> Ranking:
        """Rank all hypotheses in the light of all runs."""
        if self.doubted and self.model.history != self.doubted and self.tally.is_mixed:
            self.model, self.tally.history = replace(self.model, history=self.doubted), self.doubted
        return self.model.rank(self.tally.by_subset(), self.excluded)

    def blame_for(self, group: Subset) -> Blame | None:
        """Return the blame that would prove the group: on its own, or else at its place in the merge line.

        ``None`` where a subset that is needed for it does not merge or build.
        """
        line = self.model.line
        *partners, culprit = sorted(group, key=line.index)
        start = frozenset(line[: line.index(culprit) + 1])
        for fails in (closure(group, self.model.needs), start):
            # What a member depends on stays in: else the member would be blamed for its dependency.
            passes = tuple(fails - self._dependants(member) for member in (*partners, culprit))
            if not any(self.tally.majority(subset) == "unclear" for subset in (fails, *passes)):
                return Blame(culprits=(culprit,), partners=tuple(partners), fails=fails, passes=passes)
        return None

    def splitting_subset(self, ranking: Ranking) -> Subset | None:
        """Return a subset that splits the likely groups in halves of equal probability.

        ``None`` where one group is as likely as all others together, or no untried subset splits them.
        """
        top = ranking.hypotheses[:_TOP]
        whole = log_sum(each.suspected for each in top)
        if top[0].suspected - whole >= log(0.5):
            return None
        weights = [(each.group, exp(each.suspected - whole)) for each in top]
        best, distance = None, _UNEVEN
        for subset in self._nested_subsets([each.group for each in top]):
            mass = sum(weight for group, weight in weights if group <= subset)
            if abs(mass - 0.5) < distance and Query(tickets=subset) not in self.tally.answers:
                best, distance = subset, abs(mass - 0.5)
        return best

    def repeats_against(self, hypothesis: Hypothesis | None) -> Batch:
        """Return one more run of each subset that contradicts a hypothesis, until one answer is two runs ahead."""
        if hypothesis is None:
            return ()
        subsets = []
        for each in self.tally.by_subset():
            counts = each.counts
            contradicts = counts.passes if hypothesis.group <= each.subset else counts.fails
            is_close = abs(counts.fails - counts.passes) < 2
            if each.subset and contradicts and is_close and self.tally.runs(each.subset) < SETTLED_RUNS:
                subsets.append(each.subset)
        return tuple(query for subset in subsets for query in self.tally.next_runs(subset, 1))

    def runs_to_prove(self, blame: Blame, ranking: Ranking) -> Batch:
        """Return the runs that the best hypothesis' blame still needs; none when it is proven."""
        group = frozenset((*blame.culprits, *blame.partners))
        if queries := tuple(self._second_runs(blame)):
            # A hypothesis that some run contradicts is tried with one run first.
            return queries if fits_all(group, self.tally.by_subset()) and not self.dear else queries[:1]
        best = ranking.hypotheses[0]
        # At its place in the line, the culprit's partner would be present as well: it would leave all the same.
        is_alone = blame.fails == closure(group, self.model.needs)
        rivals = [each.sole for each in ranking.hypotheses[1:] if is_alone or not each.group > group]
        is_likely = self._majority_agrees(blame) and best.cause - log_sum([ranking.flaky, *rivals]) >= log(ODDS)
        made_flaky = log_sum(each.made_flaky for each in ranking.hypotheses)
        if (is_likely and best.cause - made_flaky >= log(ODDS)) or (is_alone and self.is_proven(blame)):
            return ()
        return self._one_more_run(blame)

    def runs_to_prove_bisected(self, blame: Blame) -> Batch:
        """Return the runs that a blame found by bisection still needs; none when it is proven, or cannot be."""
        if self.is_exhausted(blame):
            return ()
        return tuple(self._second_runs(blame)) or (() if self.is_proven(blame) else self._one_more_run(blame))

    def is_exhausted(self, blame: Blame) -> bool:
        """Whether a subset of the blame ran so often that more runs would prove no more."""
        return max(map(self.tally.runs, (blame.fails, *blame.passes))) >= _MOST_RUNS

    def is_proven(self, blame: Blame) -> bool:
        """Whether the runs of a blame prove it by themselves: against a flaky test, and against runs that err.

        The group was picked from all groups of its size: the more there are, the greater the odds must be.
        """
        fails, lost = self.tally.count(blame.fails, "fails"), self.tally.count(blame.fails, "passes")
        outside = RunCounts(
            fails=sum(self.tally.count(subset, "fails") for subset in blame.passes),
            passes=sum(self.tally.count(subset, "passes") for subset in blame.passes),
        )
        history, size = self.model.history, 1 + len(blame.partners)
        blamed = log_steady(lost + outside.fails, fails + outside.passes, history)
        flaky = log_flaky(fails + outside.fails, outside.passes + lost, history)
        # The failing runs are errors.
        erring = log_steady(outside.fails + fails, outside.passes + lost, history)
        made_flaky = self.model.log_group_makes_flaky(size, RunCounts(fails=fails, passes=lost), outside)
        groups = comb(len(self.model.line), size)
        is_likely = min(blamed - flaky, blamed - made_flaky, blamed - erring - log(groups)) >= log(ODDS)
        return self._majority_agrees(blame) and is_likely

    def flaky_finding(self) -> Flaky:
        """Report the test as flaky, with a subset on which it both failed and passed."""
        runs = self.tally.by_subset()
        tickets = next((each.subset for each in runs if each.counts.minority), self.tally.whole)
        counts = total(runs)
        return Flaky(tickets=tickets, fails=counts.fails, runs=counts.total)

    def _nested_subsets(self, groups: Sequence[Subset]) -> Iterator[Subset]:
        """Yield ever larger subsets; starts of the line where other subsets were unclear, as these always merge."""
        line = self.model.line
        if "unclear" in self.tally.answers.values():
            yield from (frozenset(line[:length]) for length in range(1, len(line)))
            return
        place = {number: at for at, number in enumerate(line)}
        for order in (sorted(groups, key=lambda group: sorted(map(place.__getitem__, group))), groups):
            subset: Subset = frozenset()
            for group in order:
                subset |= closure(group, self.model.needs)
                yield subset

    def _dependants(self, member: int) -> Subset:
        """Return a ticket with all that depend on it."""
        return frozenset(
            number for number in self.model.line if member in closure(frozenset([number]), self.model.needs)
        )

    def _one_more_run(self, blame: Blame) -> Batch:
        subsets = (blame.fails, *blame.passes)
        if self.dear:
            subsets = (min(subsets, key=self.tally.runs),)
        return tuple(query for subset in subsets for query in self.tally.next_runs(subset, 1))

    def _second_runs(self, blame: Blame) -> Iterator[Query]:
        """Yield the runs without which a subset of the blame was not seen twice.

        The release is known to pass; only where few runs confirm a blame, one of them is the release again: a failure
        that comes by chance, but often, shows itself there.
        """
        yield from self.tally.next_runs(blame.fails, 2 - min(2, self.tally.count(blame.fails, "fails")))
        for subset in blame.passes:
            if subset or self.dear:
                yield from self.tally.next_runs(subset, 2 - min(2, self.tally.count(subset, "passes")))

    def _majority_agrees(self, blame: Blame) -> bool:
        majority = self.tally.majority
        return majority(blame.fails) == "fails" and all(majority(subset) == "passes" for subset in blame.passes)
