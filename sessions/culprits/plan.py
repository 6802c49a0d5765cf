"""Which runs of a search to ask for next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log

from sessions.culprits.evidence import log_sum
from sessions.culprits.findings import Blame, Flaky, Query, Subset, Unexplained
from sessions.culprits.hypotheses import Hypothesis, Model, Ranking, fits_all
from sessions.culprits.proof import Proof
from sessions.culprits.tally import SETTLED_RUNS, Batch, Tally, total
from sessions.gates.run_history import RunHistory
from sessions.tickets.order import closure

# Hypotheses beyond these weigh too little to decide which subset splits them.
_TOP = 64
# A subset splits well if the hypotheses that it contains have a probability between 0.05 and 0.95.
_UNEVEN = 0.45
# Two groups are the last ones if they have this probability together.
_LAST_TWO = 0.95


@dataclass(kw_only=True)
class Plan:
    """Plans the runs of one search.

    ``excluded`` are the groups that cannot be proven to break the test. ``doubted`` is the
    history of a test whose failure is assumed to be repeatable: it is used as soon as two runs of a subset differ.
    ``rounds`` are the signature rounds of the search, if it asks any.
    """

    tally: Tally
    model: Model
    excluded: set[Subset] = field(default_factory=set)
    doubted: RunHistory | None = None
    rounds: Sequence[Subset] = ()

    @property
    def dear(self) -> bool:
        """Whether runs are dear. A group is then confirmed by one run at a time: the first may speak against it."""
        return self.doubted is not None

    @property
    def proof(self) -> Proof:
        """What it takes to prove a blame, as things are now."""
        return Proof(tally=self.tally, model=self.model, dear=self.dear, rounds=self.rounds)

    def ranking(self) -> Ranking:
        """Rank all hypotheses in the light of all runs."""
        runs = self.tally.by_subset()
        repeatable = self.model.repeatable
        if self.doubted and repeatable:
            if self.tally.is_mixed:
                self.model = replace(self.model, history=self.doubted, repeatable=None)
                self.tally.history = self.doubted
            elif not any(fits_all(frozenset([number]), runs) for number in self.model.line):
                self.model = replace(self.model, repeatable=repeatable.contradicted())
        return self.model.rank(runs, self.excluded)

    def blame_for(self, group: Subset) -> Blame | None:
        """Return the blame that would prove the group: on its own, or else at its place in the merge line.

        ``None`` if a subset that is needed for it does not merge or build.
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

        ``None`` if one group is as likely as all others together, or no untried subset splits them.
        """
        top = ranking.hypotheses[:_TOP]
        whole = log_sum(each.suspected for each in top)
        if top[0].suspected - whole >= log(0.5):
            return None
        weights = [(each.group, exp(each.suspected - whole)) for each in top]
        is_last = self.dear and sum(weight for _, weight in weights[:2]) > _LAST_TWO
        best, least = None, (_UNEVEN, 0)
        for subset in self._nested_subsets([each.group for each in top]):
            mass = sum(weight for group, weight in weights if group <= subset)
            # One of the last two by itself splits them as well as with others, and is its own first confirmation.
            unevenness = (round(abs(mass - 0.5), 3), len(subset)) if is_last else (abs(mass - 0.5), 0)
            if unevenness < least and Query(tickets=subset) not in self.tally.answers:
                best, least = subset, unevenness
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

    def finding_without_blame(self) -> Flaky | Unexplained:
        """Report the test as flaky, with a subset on which it both failed and passed; without one, as unexplained."""
        runs = self.tally.by_subset()
        mixed = next((each.subset for each in runs if each.counts.minority), None)
        if mixed is None:
            return Unexplained()
        counts = total(runs)
        return Flaky(tickets=mixed, fails=counts.fails, runs=counts.total)

    def _nested_subsets(self, groups: Sequence[Subset]) -> Iterator[Subset]:
        """Yield ever larger subsets; starts of the line if other subsets were unclear, because starts always merge."""
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
