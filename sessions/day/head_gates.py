"""Run gates on the head, and again if the result may be due to chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from sessions.day.flake_check import FlakeCheck
from sessions.day.head_comparison import HeadComparison, hides_tests
from sessions.day.head_questions import HeadQuestions
from sessions.day.probe_outcomes import BUILD
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress, size_of_head
from sessions.day.retest import Retester
from sessions.gates.results import Failure
from sessions.ledger.ledger import ProbeResult
from sessions.settings.configuration import Gate
from sessions.terminal.errors import InfrastructureError

# A gate runs on the head this often before runs that break off count as an error of our own side.
_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class HeadGates:
    """Runs gates on the head of ``progress``: in two parts where they are long, to the end on a tree of ``whole``."""

    runner: ProbeRunner
    progress: Progress
    flakes: FlakeCheck
    comparison: HeadComparison
    whole: set[str] = field(default_factory=set)

    @cached_property
    def questions(self) -> HeadQuestions:
        """What is asked about the head."""
        return HeadQuestions(runner=self.runner, comparison=self.comparison)

    @classmethod
    def of(cls, progress: Progress, retester: Retester, comparison: HeadComparison) -> HeadGates:
        """Return the gates of a day's head."""
        day = retester.baselines.day
        flakes = FlakeCheck(day=day, progress=progress, retester=retester, release_counts=comparison.doubts.counts)
        return cls(runner=retester.runner, progress=progress, flakes=flakes, comparison=comparison)

    def new_failures(self, gate: Gate) -> tuple[str, tuple[Failure, ...]] | None:
        """Return what fails anew at a gate on the head, with the gate's name or the build's; ``None`` if nothing does.

        A run that broke off by chance, or one of its files, says nothing about the tests that it did not reach; nor
        does a build that fails by chance. Then the whole gate runs again, until each test of the release was seen.

        Raises :class:`InfrastructureError` if no run reaches all of them.
        """
        if new := self._new_in_first_part(gate):
            return gate.name, new
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

    def takes_whole(self) -> bool:
        """Whether the head failed by a first part only; from then on, gates run as a whole on it."""
        tree, gates = self.progress.line.head.tree, [name for name in self.progress.failing if name != BUILD.name]
        is_part = any(name not in self.progress.measured for name in gates) and tree not in self.whole
        self.whole.add(tree)
        return is_part

    def _new_in_first_part(self, gate: Gate) -> tuple[Failure, ...]:
        """Return what fails anew in the files that are likeliest to show a fault; the rest runs where nothing does.

        A part that was not built, or did not come to its end, says nothing: the whole gate runs then.
        """
        parts = self.questions.parts(gate)
        if parts is None:
            return ()
        first, rest = parts
        if self.runner.cache.find_or_join(self.questions.whole(gate)) and not self.runner.cache.find(first):
            return ()
        part = self.runner.result(first)
        if not (part.built and part.results.is_measured):
            return ()
        if self.progress.line.head.tree not in self.whole:
            failures = self.comparison.compare(gate, part.results, first.files)
            if new := self.flakes.new_failures(gate, failures, is_whole_run=False):
                return new
        self.runner.result(rest)
        return ()

    def _built(self, gate: Gate, attempt: int) -> ProbeResult:
        """Return a whole run on the head; another one if the build is flaky."""
        head, whole = self.progress.line.head, self.questions.whole(gate, attempt)
        probe_result = self.runner.result(whole)
        if probe_result.built or self.flakes.new_failures(BUILD, probe_result.results.failures):
            return probe_result
        why = f"again on {size_of_head(head)}, as the build is flaky"
        return self.runner.result(replace(whole, attempt=attempt + 1, why=why))
