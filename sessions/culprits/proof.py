"""When a blame is proven, and which runs it still needs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, log

from sessions.culprits.evidence import ODDS, log_steady, log_sum
from sessions.culprits.findings import Blame, Query, Subset
from sessions.culprits.hypotheses import Model, Ranking, fits_all
from sessions.culprits.tally import Batch, Tally, total
from sessions.gates.run_history import RunCounts
from sessions.tickets.order import closure

# One subset is not run more often than this: if nothing is proven by then, the test is reported as flaky.
_MOST_RUNS = 24


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Judges blames by the runs so far. Where runs are ``dear``, they are asked for one by one.

    ``rounds`` are the signature rounds that were asked.
    """

    tally: Tally
    model: Model
    dear: bool
    rounds: Sequence[Subset] = ()

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
        odds = best.cause + self.model.log_named(group) - log_sum([ranking.flaky, *rivals])
        is_likely = self._majority_agrees(blame) and odds >= log(ODDS)
        made_flaky = log_sum(each.made_flaky for each in ranking.hypotheses)
        if (is_likely and best.cause - made_flaky >= log(ODDS)) or (is_alone and self.is_proven(blame)):
            return ()
        # Few rounds have both of a pair, so that runs of its own subsets say more.
        is_shared = is_alone and len(group) == 1 and fits_all(group, self.tally.by_subset())
        return (is_shared and tuple(self._rounds_again(group))) or self._one_more_run(blame)

    def runs_to_prove_bisected(self, blame: Blame) -> Batch:
        """Return the runs that a blame found by bisection still needs; none when it is proven, or cannot be.

        A subset that ran often for another blame runs no more; the others do, unless some run contradicts this blame.
        """
        if self.is_exhausted(blame) and not self._all_agree(blame):
            return ()
        queries = tuple(self._second_runs(blame)) or (() if self.is_proven(blame) else self._one_more_run(blame))
        return tuple(query for query in queries if self.tally.runs(query.tickets) < _MOST_RUNS)

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
        flaky = self.model.log_flaky(fails + outside.fails, outside.passes + lost)
        # The failing runs are errors.
        erring = log_steady(outside.fails + fails, outside.passes + lost, history)
        made_flaky = self.model.log_group_makes_flaky(size, RunCounts(fails=fails, passes=lost), outside)
        groups = log(comb(len(self.model.line), size))
        # A search that chose each run by the answers before it would find some group for any answers.
        flaky += groups - self.model.log_named(frozenset((*blame.culprits, *blame.partners))) if self.dear else 0.0
        is_likely = min(blamed - flaky, blamed - made_flaky, blamed - erring - groups) >= log(ODDS)
        return self._majority_agrees(blame) and is_likely

    def _rounds_again(self, group: Subset) -> Iterator[Query]:
        """Yield one more run of a round with the group and of one without: all searches of the day can share these."""
        clear = [subset for subset in self.rounds if self.tally.majority(subset) != "unclear"]
        for has in (True, False):
            if rounds := [subset for subset in clear if (group <= subset) is has]:
                yield from self.tally.next_runs(min(rounds, key=self.tally.runs), 1)

    def _one_more_run(self, blame: Blame) -> Batch:
        subsets = (blame.fails, *blame.passes)
        if self.dear:
            # As many failing runs as passing ones speak most against chance.
            counts = total(self.tally.by_subset())
            sparse = blame.passes if counts.passes < counts.fails else (blame.fails,)
            subsets = (min(sparse, key=self.tally.runs),)
        return tuple(query for subset in subsets for query in self.tally.next_runs(subset, 1))

    def _second_runs(self, blame: Blame) -> Iterator[Query]:
        """Yield the runs without which a subset of the blame was not seen twice.

        The release is known to pass; only where few runs confirm a blame, one of them is the release again: a failure
        that comes by chance, but often, shows itself there.
        """
        yield from self.tally.next_runs(blame.fails, 2 - min(2, self.tally.count(blame.fails, "fails")))
        # Whoever changes the named file is tried before any run without it, so it takes one more of these.
        passes = 3 if self.model.log_named(frozenset((*blame.culprits, *blame.partners))) else 2
        for subset in blame.passes:
            if subset or self.dear:
                yield from self.tally.next_runs(subset, passes - min(passes, self.tally.count(subset, "passes")))

    def _all_agree(self, blame: Blame) -> bool:
        """Whether no run of its subsets contradicts a blame."""
        lost, outside = self.tally.count(blame.fails, "passes"), (self.tally.count(s, "fails") for s in blame.passes)
        return not lost and not any(outside)

    def _majority_agrees(self, blame: Blame) -> bool:
        majority = self.tally.majority
        return majority(blame.fails) == "fails" and all(majority(subset) == "passes" for subset in blame.passes)
