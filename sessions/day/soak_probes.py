"""Run some files of a gate many times on a candidate, within the share of the day that a soak may take."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.day.probe_runner import ProbeRunner
from sessions.day.probe_share import probes_left
from sessions.day.question import Question
from sessions.gates.results import Results
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate

# Attempts from 2001 on are reserved for soaks; flake checks count theirs from 1001.
_FIRST_ATTEMPT = 2001


@dataclass(frozen=True, kw_only=True)
class SoakProbes:
    """Runs files again and again, each time with another ``{seed}``."""

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
            for place in range(probes_left(self.runner, gate, Purpose.SOAK, count))
        ]
        found = self.runner.results(questions)
        return [each.results if each.built else Results(trouble="the build failed") for each in found]
