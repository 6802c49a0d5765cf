"""The gates of a new configuration, each run once on the release: what came out, and what to mend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sessions.day.advice import advice, last_words
from sessions.day.context import Day, open_day
from sessions.day.probe_runner import ProbeRunner, Question
from sessions.gates.results import Results
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.durations import say_duration
from sessions.terminal.errors import IntegrandError, UsageError


def try_gates(config: Path, state: Path, console: Console) -> None:
    """Run each gate of a configuration once on its release, and say what came out.

    Raises :class:`UsageError`, one sentence, where one measured nothing: what to mend is said before.
    """
    options = Options(config=config, state=state, date=dt.datetime.now(dt.UTC).date())
    with open_day(options, console) as day, day.runner() as runner:
        unmeasured = [gate.name for gate in day.config.gates if not _try(day, runner, gate)]
    if unmeasured:
        raise UsageError(
            f"{config.name} is written, but {' and '.join(unmeasured)} measured nothing: mend it there as said above, "
            "and try it with `nox -s baseline`."
        )


def _try(day: Day, runner: ProbeRunner, gate: Gate) -> bool:
    """Whether a gate measures something on the release."""
    question = Question(
        gate=gate, candidate=day.base, why=f"on {day.release.tag} itself", purpose=Purpose.RELEASE, keep=True
    )
    try:
        probe_result = runner.ask(question)
    except IntegrandError as error:
        day.console.bad(f"{gate.name}: {error}")
        return False
    results = probe_result.results
    if probe_result.built and results.can_be_baseline:
        day.console.good(
            f"{gate.name}: {_counts(results)} on {day.release.tag}, in {say_duration(probe_result.seconds)}"
        )
        return True
    day.console.bad(_what_to_mend(day, gate, probe_result))
    return False


def _counts(results: Results) -> str:
    known = " (known from now on)" if results.fails else ""
    return f"{results.passes} passed, {results.fails} failed{known}, {len(results.skipped)} skipped"


def _what_to_mend(day: Day, gate: Gate, probe_result: ProbeResult) -> str:
    log, text = day.state / probe_result.log, day.read_log(probe_result)
    what = "[build] run" if not probe_result.built else f"`run` of gate {gate.name}"
    seen = "the build failed" if not probe_result.built else probe_result.results.trouble or "no test passed"
    return (
        f"{gate.name} measured nothing on {day.release.tag} ({seen}, status {probe_result.results.status}). "
        f"Its last words: {last_words(text).rstrip('.')}. {advice(text, what)} The whole log is {log}."
    )
