"""Run the test files that tickets add or change often on the head, all in one run each time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sessions.culprits.soak import RUNS, soak_batches
from sessions.day.progress import size_of_head
from sessions.day.soak_probes import SoakProbes
from sessions.day.soak_scope import SoakScope, count_runs
from sessions.gates.results import Results, TestId
from sessions.gates.run_history import RunCounts
from sessions.ledger.record import RecordedSoak
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.terminal.phrases import counted

_SHARE = "the share of the day that [[gates]] soak_share grants was used up"


@dataclass(kw_only=True)
class HeadSoak:
    """The runs of a gate's files on ``head``: ``seen`` are the results of each file, ``done`` the number of runs."""

    probes: SoakProbes
    gate: Gate
    head: Candidate
    scope: SoakScope
    done: int = 0
    seen: dict[str, list[Results]] = field(default_factory=dict)

    def run(self, soaks: dict[int, RecordedSoak]) -> None:
        """Run the files of tickets until each ran often enough, and note the runs in the tickets' ``soaks``.

        Raises the errors of :meth:`SoakProbes.run`.
        """
        left = {number: RUNS - soaks[number].runs for number in self.scope.files}
        self.seen = {file: [] for file in self.scope.tests}
        for size in soak_batches(max(left.values())):
            files = self._unsettled(left)
            if not files:
                self.done = max(left.values())
                break
            why = f"soak on {size_of_head(self.head)}"
            self.probes.say(f"Soak: {counted(len(files), 'file')} of {self.gate.name}, {counted(size, 'run')}")
            results = self.probes.run(self.gate, self.head, files, self.done, size, why)
            for file in files:
                self.seen[file] += results
            self.done += len(results)
            if len(results) < size:
                break
        for number, runs in left.items():
            soaks[number] = self._with_runs(soaks[number], min(runs, self.done))

    def suspects(self) -> dict[TestId, RunCounts]:
        """Return the tests that failed in a run, and how often they failed and passed."""
        failing = {test for file, runs in self.seen.items() for test in self.scope.failing(file, runs)}
        return {test: count_runs(test, self.seen[self.scope.file_of(test)]) for test in sorted(failing)}

    def _unsettled(self, left: dict[int, int]) -> tuple[str, ...]:
        files = {file for number, runs in left.items() if runs > self.done for file in self.scope.files[number]}
        return tuple(sorted(file for file in files if not self.scope.is_settled(file, self.seen[file])))

    def _with_runs(self, soak: RecordedSoak, more: int) -> RecordedSoak:
        """Return a soak after more runs, and why they are not enough if they are not."""
        runs = soak.runs + more
        results = [each for file in soak.files for each in self.seen[file]]
        broken = sum(not each.is_measured for each in results)
        why_not = "" if runs >= soak.enough else _SHARE
        if broken:
            why_not = f"{broken} of {counted(len(results), 'run')} of its files did not come to their end"
        return replace(soak, runs=runs, why_not=why_not)
