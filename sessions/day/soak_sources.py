"""Find whether a ticket brings a flaky test: run the test with the ticket alone, and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sessions.culprits.soak import JudgedFlake, SoakPlace, judge_flake
from sessions.day.decisions import some_tickets
from sessions.day.progress import Progress
from sessions.day.retest import Retester
from sessions.day.soak_evidence import say_evidence, soaked_flake
from sessions.day.soak_probes import SoakProbes
from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import Presence, Results, TestId
from sessions.ledger.record import SoakedFlake
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.tickets.order import closure


@dataclass(frozen=True, kw_only=True)
class SoakSources:
    """Judges the flaky tests of the head of ``progress``. ``needs`` are the tickets that each ticket needs."""

    progress: Progress
    retester: Retester
    probes: SoakProbes
    needs: Mapping[int, frozenset[int]]

    @classmethod
    def of(cls, progress: Progress, retester: Retester, needs: Mapping[int, frozenset[int]]) -> SoakSources:
        """Return the judge of a head's flaky tests."""
        return cls(progress=progress, retester=retester, probes=SoakProbes(runner=retester.runner), needs=needs)

    def find(self, gate: Gate, number: int, test: TestId, file: str, runs: int) -> SoakedFlake | None:
        """Return where a flaky test in ``file``, which ticket ``number`` changes, comes from.

        The test runs ``runs`` times with the ticket. ``None`` if it does not exist there.
        """
        base = frozenset(self.retester.base(gate).tickets)
        with_ = closure(frozenset({number}), self.needs) | base
        places = {SoakPlace.WITH: with_, SoakPlace.WITHOUT: with_ - {number}}
        if number in base:
            return soaked_flake(test, JudgedFlake(source=FlakeSource.UNCLEAR), ("the baseline has the ticket",))
        judging = judge_flake(runs)
        done = dict.fromkeys(SoakPlace, 0)
        judged: JudgedFlake | None = None
        try:
            place, count = next(judging)
            while True:
                endings = self._run(gate, test, file, places[place], done[place], count)
                done[place] += count
                place, count = judging.send(endings)
        except StopIteration as end:
            judged = end.value
        names = (some_tickets(places[place], self.retester.baselines.alone) for place in SoakPlace)
        return soaked_flake(test, judged, say_evidence(judged, *names)) if judged else None

    def _run(
        self, gate: Gate, test: TestId, file: str, tickets: frozenset[int], done: int, count: int
    ) -> list[Presence]:
        """Return how a test ended with some tickets; nothing if they do not merge."""
        baselines = self.retester.baselines
        candidate = baselines.day.merger.combine(each for each in self.progress.line.tickets if each.number in tickets)
        if not isinstance(candidate, Candidate):
            return []
        why = f"soak with {some_tickets(candidate.tickets, baselines.alone)}"
        return [_ending(test, results) for results in self.probes.run(gate, candidate, (file,), done, count, why)]


def _ending(test: TestId, results: Results) -> Presence:
    """Return how a test ended; one from a record has only the first line of its example."""
    has_failed = str(test) in {str(failure.test) for failure in results.failures}
    return Presence.FAILED if has_failed else results.presence(test)
