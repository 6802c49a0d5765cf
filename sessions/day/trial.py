"""Run each gate of a new configuration once on the release, and say what to change if it measures nothing."""

from __future__ import annotations

from sessions.day.advice import advice, last_words
from sessions.day.baselines import release_question
from sessions.day.context import Day, open_day
from sessions.day.opened_runner import open_runner
from sessions.day.probe_runner import ProbeRunner
from sessions.gates.results import Results
from sessions.ledger.ledger import ProbeResult
from sessions.settings.configuration import Gate
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.durations import say_duration
from sessions.terminal.errors import IntegrandError, UsageError


def try_gates(options: Options, console: Console) -> None:
    """Run each gate of a configuration once on its release, and print how many tests passed.

    Raises :class:`UsageError` if a gate measured nothing; what to change has been printed before.
    """
    with open_day(options, console) as day, open_runner(day) as runner:
        unmeasured = [gate.name for gate in day.config.gates if not _try(day, runner, gate)]
    if unmeasured:
        raise UsageError(
            f"{options.config.name} is written, but {' and '.join(unmeasured)} measured nothing: correct it as "
            "described above, then type `nox -s baseline` to try it again."
        )


def _try(day: Day, runner: ProbeRunner, gate: Gate) -> bool:
    """Whether a gate measures something on the release."""
    try:
        probe_result = runner.result(release_question(day, gate))
    except IntegrandError as error:
        day.console.bad(f"{gate.name}: {error}")
        return False
    results = probe_result.results
    if probe_result.built and results.can_be_baseline:
        day.console.good(
            f"{gate.name}: {_counts(results)} on {day.release.tag}, in {say_duration(probe_result.seconds)}"
        )
        return True
    day.console.bad(_explain(day, gate, probe_result))
    return False


def _counts(results: Results) -> str:
    known = " (known from now on)" if results.fails else ""
    return f"{results.passes} passed, {results.fails} failed{known}, {len(results.skipped)} skipped"


def _explain(day: Day, gate: Gate, probe_result: ProbeResult) -> str:
    log, text = day.state / probe_result.log, day.read_log(probe_result)
    what = "[build] run" if not probe_result.built else f"`run` of gate {gate.name}"
    seen = "the build failed" if not probe_result.built else probe_result.results.trouble or "no test passed"
    return (
        f"{gate.name} measured nothing on {day.release.tag} ({seen}, status {probe_result.results.status}). "
        f"The end of its log: {last_words(text).rstrip('.')}. {advice(text, what)} The whole log: {log}"
    )
