"""Run gates on the head, and again if the result may be due to chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.day.flake_check import FlakeCheck
from sessions.day.head_comparison import HeadComparison, hides_tests
from sessions.day.probe_outcomes import BUILD
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress, size_of_head
from sessions.day.question import Question
from sessions.day.retest import Retester
from sessions.gates.results import Failure
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.terminal.errors import InfrastructureError

# A gate runs on the head this often before runs that break off count as an error of our own side.
_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class HeadGates:
    """Runs gates on the head of ``progress``."""

    runner: ProbeRunner
    progress: Progress
    flakes: FlakeCheck
    comparison: HeadComparison

    @classmethod
    def of(cls, progress: Progress, retester: Retester, comparison: HeadComparison) -> HeadGates:
        """Return the gates of a day's head."""
        flakes = FlakeCheck(day=retester.baselines.day, progress=progress, retester=retester)
        return cls(runner=retester.runner, progress=progress, flakes=flakes, comparison=comparison)

    def new_failures(self, gate: Gate) -> tuple[str, tuple[Failure, ...]] | None:
        """Return what fails anew at a gate on the head, with the gate's name or the build's; ``None`` if nothing does.

        A run that broke off by chance, or one of its files, says nothing about the tests that it did not reach; nor
        does a build that fails by chance. Then the whole gate runs again, until each test of the release was seen.

        Raises :class:`InfrastructureError` if no run reaches all of them.
        """
        for attempt in range(1, _RUNS + 1):
            probe_result = self._built(gate, attempt)
            if not probe_result.built:
                if new := self.flakes.new_failures(BUILD, probe_result.results.failures):
                    return BUILD.name, new
                continue
            if new := self.flakes.new_failures(gate, self.comparison.compare(gate, probe_result.results)):
                return gate.name, new
            if not hides_tests(self.progress.measured[gate.name]):
                return None
        raise InfrastructureError(
            f"None of {_RUNS} runs of {gate.name} on {size_of_head(self.progress.line.head)} came to its end, and "
            "nothing fails in all of them: see the logs of these probes, make the gate steadier, then type the same "
            "command."
        )

    def _built(self, gate: Gate, attempt: int) -> ProbeResult:
        """Return a whole run on the head; another one if the build is flaky."""
        head = self.progress.line.head
        again = "again " if attempt > 1 else ""
        whole = Question(
            gate=gate,
            candidate=head,
            attempt=attempt,
            why=f"{again}on {size_of_head(head)}",
            purpose=Purpose.HEAD,
            keep=True,
        )
        probe_result = self.runner.result(whole)
        if probe_result.built or self.flakes.new_failures(BUILD, probe_result.results.failures):
            return probe_result
        why = f"again on {size_of_head(head)}, as the build is flaky"
        return self.runner.result(replace(whole, attempt=attempt + 1, why=why))
