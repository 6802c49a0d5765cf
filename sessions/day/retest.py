"""Run failing tests again: on the head, on the release, or with some of the tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.culprits.findings import Answer
from sessions.day.baselines import Baselines
from sessions.day.probe_outcomes import BUILD, answers
from sessions.day.probe_runner import ProbeRunner
from sessions.day.question import Question
from sessions.gates.comparison import hold_to_status
from sessions.gates.results import Failure, Presence, TestId
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate

# Failures of tests that the head does not run.
_MISSING = ("gone", "skipped")


@dataclass(frozen=True, kw_only=True)
class Look:
    """Failures to look for on a candidate; ``attempt``, ``keep`` and ``incremental`` are as in :class:`Question`."""

    candidate: Candidate
    failures: tuple[Failure, ...]
    attempt: int = 1
    why: str
    purpose: Purpose
    keep: bool = False
    incremental: bool = False


@dataclass(kw_only=True)
class Retester:
    """Runs only the files of some tests.

    This is done only if such a run includes the test on a candidate that has it. Otherwise the whole gate runs from
    then on: a selection that runs nothing must never count as passed.
    """

    runner: ProbeRunner
    baselines: Baselines
    whole_only: set[str] = field(default_factory=set)

    def look_at(self, gate: Gate, looks: Sequence[Look], head: Candidate) -> list[dict[TestId, Answer]]:
        """Return the answers of each look; their probes run at once. ``head`` is the candidate with the failures.

        Raises the errors of :meth:`ProbeRunner.results`.
        """
        questions = [self._question(gate, look, head) for look in looks]
        probe_results = self.runner.results(questions)
        runs = list(zip(looks, questions, probe_results, strict=True))
        if any(
            self._misses_tests(gate, look, probe_result, head)
            for look, question, probe_result in runs
            if question.files
        ):
            self.whole_only.add(gate.name)
            return self.look_at(gate, looks, head)
        return [
            answers(self._held_to_status(gate, question, probe_result), look.failures)
            for look, question, probe_result in runs
        ]

    def runs_part(self, gate: Gate, failures: Sequence[Failure], head: Candidate) -> bool:
        """Whether looking at failures on the head leaves out files of the gate."""
        files = None if gate.name in self.whole_only else self._files(gate, failures, head)
        select = self.runner.cache.files.select
        return files is not None and select(gate, head.tree, files) != select(gate, head.tree)

    def base(self, gate: Gate) -> Candidate:
        """Return the candidate of a gate's baseline: the release, or the release with tickets that fix the gate."""
        return self.baselines.start if gate is BUILD else self.baselines.of(gate).candidate

    def certain(
        self, gate: Gate, failures: Sequence[Failure], answered: Mapping[TestId, Answer]
    ) -> dict[TestId, Answer]:
        """Return the answers, with "unclear" for tests that run on the release but did not run here."""
        sure: dict[TestId, Answer] = {}
        for failure in failures:
            answer = answered.get(failure.test, "unclear")
            is_lost = answer == "not run" and self.runs_on_release(gate, failure.test)
            sure[failure.test] = "unclear" if is_lost else answer
        return sure

    def runs_on_release(self, gate: Gate, test: TestId) -> bool:
        """Whether a test runs where the gate's baseline was measured."""
        if gate is BUILD:
            return True
        return self.baselines.of(gate).probe_result.results.presence(test) in (Presence.PASSED, Presence.FAILED)

    def _question(self, gate: Gate, look: Look, head: Candidate) -> Question:
        return Question(
            gate=gate,
            candidate=look.candidate,
            files=None if gate.name in self.whole_only else self._files(gate, look.failures, head),
            attempt=look.attempt,
            why=look.why,
            purpose=look.purpose,
            keep=look.keep,
            incremental=look.incremental,
        )

    def _files(self, gate: Gate, failures: Sequence[Failure], head: Candidate) -> tuple[str, ...] | None:
        """Return the files to run; ``None`` if only the whole gate is sure to run all tests."""
        files: set[str] = set()
        for home in (head, self.base(gate)):
            tests = [failure.test for failure in failures if self._home(gate, failure, head) == home]
            found = self.runner.cache.files.files_with(gate, tests, home.tree)
            if found is None:
                return None
            files.update(found)
        return tuple(sorted(files))

    def _home(self, gate: Gate, failure: Failure, head: Candidate) -> Candidate:
        """Return a candidate that is known to have a test."""
        return self.base(gate) if failure.kind in _MISSING else head

    def _misses_tests(self, gate: Gate, look: Look, probe_result: ProbeResult, head: Candidate) -> bool:
        if not probe_result.built or not probe_result.results.is_measured:
            return False
        at_home = (each for each in look.failures if self._home(gate, each, head).tree == look.candidate.tree)
        return any(probe_result.results.presence(failure.test) is Presence.ABSENT for failure in at_home)

    def _held_to_status(self, gate: Gate, question: Question, probe_result: ProbeResult) -> ProbeResult:
        """Return the result of a whole run; if the same tests fail as on the release, its status must be the same."""
        if gate is BUILD or question.files is not None or not probe_result.built:
            return probe_result
        release = self.baselines.of(gate).probe_result.results
        return replace(probe_result, results=hold_to_status(release, probe_result.results))
