"""Find the tickets that make a test file slower, by pairs with and without some of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.culprits.slowness import Versus, find_slowing
from sessions.day.baselines import Baselines
from sessions.day.decisions import some_tickets
from sessions.day.slowness_evidence import recorded_slowdown
from sessions.day.slowness_pairs import Paced, SlownessPairs
from sessions.ledger.record import RecordedSlowdown
from sessions.source.line import Line
from sessions.source.merging import Candidate
from sessions.tickets.order import Needs, closure


@dataclass(frozen=True, kw_only=True)
class SlownessSearch:
    """Searches the tickets of a line; ``base`` is what a gate's results are compared with."""

    line: Line
    baselines: Baselines
    needs: Needs
    base: Candidate

    def name(self, pairs: SlownessPairs, slowdown: RecordedSlowdown) -> RecordedSlowdown:
        """Return a slowdown with the tickets that bring it, and their evidence, if that can be shown."""
        base = frozenset(self.base.tickets)
        search = find_slowing(
            [number for number in self.line.head.tickets if number not in base],
            lambda numbers: closure(frozenset(numbers), self.needs) - base,
        )
        versus, paced, tickets = Versus(with_=frozenset()), Paced(), tuple[int, ...]()
        try:
            versus = next(search)
            while True:
                paced = self._compare(pairs, slowdown.file, versus, base)
                versus = search.send(paced.pace)
        except StopIteration as end:
            tickets = end.value
        if not tickets:
            return slowdown
        alone = self.baselines.alone
        shown = recorded_slowdown(slowdown.gate, slowdown.file, paced.logs)
        with_, without = (some_tickets(numbers | base, alone) for numbers in (versus.with_, versus.without))
        evidence = (
            f"{shown.ratio:.2f} times as long, {shown.low:.2f} to {shown.high:.2f}, in {shown.runs} runs each way: "
            f"with {with_}, and with {without}"
        )
        return replace(slowdown, tickets=tickets, evidence=(evidence,))

    def _compare(self, pairs: SlownessPairs, file: str, versus: Versus, base: frozenset[int]) -> Paced:
        with_, without = (self._candidate(numbers | base) for numbers in (versus.with_, versus.without))
        if with_ is None or without is None:
            return Paced()
        alone = self.baselines.alone
        return pairs.judge((file,), with_, without, f"pace with {some_tickets(with_.tickets, alone)}")[file]

    def _candidate(self, numbers: frozenset[int]) -> Candidate | None:
        """Return the release with some tickets; ``None`` if they do not merge."""
        merged = self.baselines.day.merger.combine(each for each in self.line.tickets if each.number in numbers)
        return merged if isinstance(merged, Candidate) else None
