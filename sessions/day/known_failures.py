"""Warn of a release on which many tests fail: what is new is hard to tell from what is known there."""

from __future__ import annotations

from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.gates.causes import commonest_error, has_many_failures, say_failures


def warn_of_known_failures(day: Day, baselines: Baselines) -> None:
    """Print a warning for each requested gate that many tests fail on the release, once it was measured."""
    for gate in day.asked_gates():
        results = baselines.look(gate).results
        if not (results.is_measured and has_many_failures(results.fails, results.tests)):
            continue
        words, count = commonest_error(failure.message for failure in results.failures)
        with_ = f", {count} of them with {words}" if count > 1 else ""
        day.console.bad(
            f"{say_failures(results.fails, results.tests, gate.name)} on {baselines.name}{with_}: new "
            "failures are hard to tell from these; repair the release or its environment first"
        )
