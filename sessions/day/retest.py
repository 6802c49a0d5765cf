"""Failing tests looked at again: on the head, on the release, and with some of the tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.culprits.findings import Answer
from sessions.day.baselines import Baselines
from sessions.day.probe_outcomes import BUILD, answers
from sessions.day.probe_runner import ProbeRunner, Question
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
    """Failures to look for on a candidate: in which attempt, what for, and whether its build is worth keeping."""

    candidate: Candidate
    failures: tuple[Failure, ...]
    attempt: int = 1
    why: str
    purpose: Purpose
    keep: bool = False


@dataclass(kw_only=True)
class Retester:
    """Runs just the files of some tests.

    A part of a gate is trusted to run a test only after it was seen to run it where the test is known to be. Else the
    whole gate is run from then on: a selection that runs nothing must never read as a pass.
    """

    runner: ProbeRunner
    baselines: Baselines
    whole_only: set[str] = field(default_factory=set)

    def look_at(self, gate: Gate, looks: Sequence[Look], head: Candidate) -> list[dict[TestId, Answer]]:
        """What each look shows of its failures, all at once. ``head`` is the candidate that has the failures.

        Raises what :meth:`ProbeRunner.ask_all` raises.
        """
        questions = [self._question(gate, look, head) for look in looks]
        probe_results = self.runner.ask_all(questions)
        asked = list(zip(looks, questions, probe_results, strict=True))
        if any(
            self._misses_tests(gate, look, probe_result, head)
            for look, question, probe_result in asked
            if question.files
        ):
            self.whole_only.add(gate.name)
            return self.look_at(gate, looks, head)
        return [
            answers(self._held_to_status(gate, question, probe_result), look.failures)
            for look, question, probe_result in asked
        ]

    def base(self, gate: Gate) -> Candidate:
        """What a gate's results are compared with: the release, or the release with what mends the gate."""
        return self.baselines.start if gate is BUILD else self.baselines.of(gate).candidate

    def certain(self, gate: Gate, failures: Sequence[Failure], told: Mapping[TestId, Answer]) -> dict[TestId, Answer]:
        """The same answers; where a test that runs on the release did not run, nothing is known of it."""
        sure: dict[TestId, Answer] = {}
        for failure in failures:
            answer = told.get(failure.test, "unclear")
            is_lost = answer == "not run" and self._runs_on_release(gate, failure.test)
            sure[failure.test] = "unclear" if is_lost else answer
        return sure

    def _runs_on_release(self, gate: Gate, test: TestId) -> bool:
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
        )

    def _files(self, gate: Gate, failures: Sequence[Failure], head: Candidate) -> tuple[str, ...] | None:
        """The files to run; ``None`` where only the whole gate is sure to run all tests."""
        files: set[str] = set()
        for home in (head, self.base(gate)):
            tests = [failure.test for failure in failures if self._home(gate, failure, head) == home]
            found = self.runner.files_with(gate, tests, home.tree)
            if found is None:
                return None
            files.update(found)
        return tuple(sorted(files))

    def _home(self, gate: Gate, failure: Failure, head: Candidate) -> Candidate:
        """The candidate that a test is known to be in."""
        return self.base(gate) if failure.kind in _MISSING else head

    def _misses_tests(self, gate: Gate, look: Look, probe_result: ProbeResult, head: Candidate) -> bool:
        if not probe_result.built or not probe_result.results.is_measured:
            return False
        at_home = (each for each in look.failures if self._home(gate, each, head).tree == look.candidate.tree)
        return any(probe_result.results.presence(failure.test) is Presence.ABSENT for failure in at_home)

    def _held_to_status(self, gate: Gate, question: Question, probe_result: ProbeResult) -> ProbeResult:
        """The reading of a whole run, which must end as the release's did where the same tests fail."""
        if gate is BUILD or question.files is not None or not probe_result.built:
            return probe_result
        release = self.baselines.of(gate).probe_result.results
        return replace(probe_result, results=hold_to_status(release, probe_result.results))
