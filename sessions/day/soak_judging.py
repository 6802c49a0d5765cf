"""Judge the tests that failed in a soak: which of them does a ticket make flaky?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sessions.culprits.soak import JudgedFlake, always_fails, runs_with_ticket
from sessions.day.soak_evidence import soaked_flake
from sessions.day.soak_scope import SoakScope
from sessions.day.soak_sources import SoakSources
from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import TestId
from sessions.gates.run_history import RunCounts
from sessions.ledger.record import RecordedSoak, SoakedFlake
from sessions.settings.configuration import Gate
from sessions.terminal.phrases import counted

# What a test counts as that was found flaky without a soak.
_ONCE = RunCounts(fails=1, passes=1)


@dataclass(frozen=True, kw_only=True)
class SoakJudging:
    """The flaky tests of a gate: ``suspects`` failed in a soak, ``flaky`` were found flaky by the gate's own runs."""

    gate: Gate
    scope: SoakScope
    suspects: Mapping[TestId, RunCounts]
    flaky: Collection[TestId]
    sources: SoakSources

    def judge(self, number: int, soak: RecordedSoak, earlier: tuple[SoakedFlake, ...]) -> RecordedSoak:
        """Return a ticket's soak with the flaky tests in its files; those of an ``earlier`` soak are judged again."""
        settled = {str(flake.test) for flake in soak.flakes}
        found = list(soak.flakes)
        for test, runs in self._runs_by_test(earlier).items():
            file = self.scope.file_of(test)
            if file in soak.files and str(test) not in settled and (flake := self._judge(number, test, file, runs)):
                found.append(flake)
        return replace(soak, flakes=tuple(found))

    def _judge(self, number: int, test: TestId, file: str, runs: int) -> SoakedFlake | None:
        counts = self.suspects.get(test, _ONCE)
        if counts.passes:
            return self.sources.find(self.gate, number, test, file, runs)
        if not always_fails(counts):
            return None
        evidence = f"fails in all of {counted(counts.total, 'run')} of its file on the head"
        judged = JudgedFlake(source=FlakeSource.ALWAYS, with_=counts)
        return soaked_flake(test, judged, (evidence, "passes with the whole gate"))

    def _runs_by_test(self, earlier: tuple[SoakedFlake, ...]) -> dict[TestId, int]:
        """Return how often each test runs with a ticket alone; as often as before, so that the results are known."""
        before = {flake.test: flake.runs or runs_with_ticket(_ONCE) for flake in earlier}
        names = {str(test) for test in before}
        counts = dict.fromkeys(sorted(self.flaky), _ONCE) | dict(self.suspects)
        return before | {test: runs_with_ticket(each) for test, each in counts.items() if str(test) not in names}
