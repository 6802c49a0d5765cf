"""Run again what a ticket breaks, and compare the results with the record. Pure except for the probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sessions.day.debug_images import Evidence
from sessions.day.probe_outcomes import BUILD, BUILD_STEP, BUILD_TEST, GATE_STEP, called, results_of
from sessions.day.probe_runner import ProbeRunner
from sessions.engines.probe import Outcome, Probe, Step
from sessions.gates.results import Results, TestId
from sessions.ledger.record import RecordedBreakage
from sessions.settings.configuration import Gate
from sessions.terminal.durations import parse_duration


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """The result of a new run for a reported failure: whether it failed ``again``, and the excerpt that shows it."""

    test: str
    again: bool
    message: str = ""

    @property
    def last_line(self) -> str:
        """The last line of the excerpt."""
        return last_line(self.message)


def evidence_probe(runner: ProbeRunner, evidence: Evidence) -> tuple[Gate, Probe]:
    """Return the gate, and the probe that runs exactly the failing tests in the same way as on the day."""
    probe = runner.builder.candidate(evidence.tree)
    if evidence.is_build:
        return BUILD, probe
    gate = runner.builder.config.gate(evidence.gate)
    command = runner.builder.command(gate, evidence.files or None, evidence.tree)
    step = Step(name=GATE_STEP, command=command, timeout=parse_duration(gate.timeout))
    steps = (*probe.steps, step)
    return gate, replace(probe, steps=steps, artifacts=gate.artifacts, reports=gate.reports, outdated=gate.outdated)


def rerun(runner: ProbeRunner, evidence: Evidence, reported: Sequence[RecordedBreakage]) -> list[Rerun]:
    """Run the failing tests, and return what became of each of ``reported``, entries of ``broke`` in the record.

    Raises :class:`InfrastructureError` if the engine, and not the candidate, failed.
    """
    gate, probe = evidence_probe(runner, evidence)
    what = f"{called(gate.name)} on {evidence.commit[:10]}"
    outcome = run_one(runner, probe, what)
    results = results_of(gate, outcome, runner.builder.config.engine.source)
    if gate is not BUILD and outcome.steps[-1].name == BUILD_STEP:
        message = f"the build fails, so that the test cannot run:\n{outcome.steps[-1].log[-2000:]}"
        return [Rerun(test=str(broke.test), again=False, message=message) for broke in reported]
    return [compare_with_record(broke, results) for broke in reported]


def run_one(runner: ProbeRunner, probe: Probe, what: str) -> Outcome:
    """Run a probe past the ledger, and show people ``what`` it does."""
    with runner.console.probes([(what, None)], 1) as watch:
        outcome = runner.engine.run(probe, watch.listeners[0])
        watch.ended(0)
    return outcome


def compare_with_record(broke: RecordedBreakage, results: Results) -> Rerun:
    """Return the result of a run for a reported failure.

    Only a run that ended normally can show that a test is gone.
    """
    test, kind = str(broke.test), broke.kind
    messages = {_name(failure.test): failure.message for failure in results.failures}
    if test in messages and kind not in ("gone", "skipped"):
        return Rerun(test=test, again=True, message=messages[test])
    presence = _presence(test, results)
    again = kind == "skipped" and presence == "is skipped"
    if kind == "gone":
        again = _is_gone(broke, results, presence)
    return Rerun(test=test, again=again, message=broke.message if again else f"it {presence}")


def last_line(message: str) -> str:
    """Return the last line of an excerpt that is not blank."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _name(test: TestId) -> str:
    """Return a test's name in the record."""
    return called(test.name) if test == BUILD_TEST else str(test)


def _presence(test: str, results: Results) -> str:
    """Return the result of a test as a verb."""
    if test in {_name(failure.test) for failure in results.failures}:
        return "fails"
    if test in set(map(str, results.passed)):
        return "passes"
    if test in set(map(str, results.skipped)):
        return "is skipped"
    return "does not run" if results.is_measured else f"is not reached ({results.trouble or results.broken})"


def _is_gone(broke: RecordedBreakage, results: Results, presence: str) -> bool:
    if broke.expected:
        return results.counts.get(broke.file, 0) < broke.expected
    return presence == "does not run"
