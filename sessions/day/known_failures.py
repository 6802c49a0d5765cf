"""Warn where the release's results say little: a gate tests nothing, or so many tests fail that new ones hide."""

from __future__ import annotations

from sessions.day.advice import remedy
from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.gates.causes import commonest_error, has_many_failures, say_failures
from sessions.ledger.ledger import ProbeResult


def warn_of_known_failures(day: Day, baselines: Baselines) -> None:
    """Print a warning for each requested gate that tests nothing, or of which many tests fail on the release."""
    for gate in day.asked_gates():
        if gate.run.strip() == "true":  # what `init` writes where it finds no tests
            day.console.bad(
                f"Gate {gate.name} runs `true`, which tests nothing: write the project's test command as its `run`"
            )
        probe_result = baselines.look(gate)
        results = probe_result.results
        if not (results.is_measured and has_many_failures(results.fails, results.tests)):
            continue
        words, count = commonest_error(failure.message for failure in results.failures)
        with_ = f", {count} of them with {words}" if count > 1 else ""
        day.console.bad(
            f"{say_failures(results.fails, results.tests, gate.name)} on {baselines.name}{with_}: new "
            f"failures are hard to tell from these; {_what_to_do(day, probe_result)}"
        )


def _what_to_do(day: Day, probe_result: ProbeResult) -> str:
    """Return what the log of the release's tests says is missing, or else a general advice; and where the log is."""
    how = remedy(day.read_log(probe_result)).rstrip(".") or "repair the release or its environment first"
    return f"{how} (the whole log is {day.state / probe_result.log})"
