"""Run some files of a gate many times on a candidate, within the share of the day that a soak may take."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.day.probe_runner import ProbeRunner
from sessions.day.question import Question
from sessions.gates.results import Results
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate

# Attempts from 2001 on are reserved for soaks; flake checks count theirs from 1001.
_FIRST_ATTEMPT = 2001
# What a soak may take in any case, in seconds: on a small project, a share of the day is not enough for anything.
_LEAST_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class SoakProbes:
    """Runs files again and again, each time with another ``{seed}``.

    What a soak took is counted by the durations in the ledger, so that a day that is repeated stops at the same run.
    """

    runner: ProbeRunner

    def say(self, step: str) -> None:
        """Print what runs next."""
        self.runner.console.step(step)

    def run(
        self, gate: Gate, candidate: Candidate, files: tuple[str, ...], done: int, count: int, why: str
    ) -> list[Results]:
        """Return the results of ``count`` more runs, after ``done`` of them; of fewer if the soak's share is used up.

        A run before which the build failed says nothing about any test. Raises the errors of
        :meth:`ProbeRunner.results`: trouble with our own machine is never a failed run.
        """
        questions = [
            Question(
                gate=gate,
                candidate=candidate,
                files=files,
                attempt=_FIRST_ATTEMPT + done + place,
                why=f"{why}, run {done + place + 1}",
                purpose=Purpose.SOAK,
                keep=True,
            )
            for place in range(min(count, self._runs_left(gate, count)))
        ]
        found = self.runner.results(questions)
        return [each.results if each.built else Results(trouble="the build failed") for each in found]

    def _runs_left(self, gate: Gate, count: int) -> int:
        seconds = {is_soak: self._seconds(gate, is_soak=is_soak) for is_soak in (True, False)}
        left = max(_LEAST_SECONDS, sum(seconds[False]) * gate.soak_share / 100) - sum(seconds[True])
        if not seconds[True] or left <= 0:
            return count if left > 0 else 0
        usual = sum(seconds[True]) / len(seconds[True])
        return int(left / usual) if usual else count

    def _seconds(self, gate: Gate, *, is_soak: bool) -> list[float]:
        return [
            each.probe_result.seconds
            for each in self.runner.consulted.values()
            if each.question.gate.name == gate.name and (each.question.purpose is Purpose.SOAK) is is_soak
        ]
