"""The gates of a new configuration, each run once on the release: what came out, and what to mend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from sessions.advice import advice, last_words
from sessions.config import Gate
from sessions.day import Day, open_day
from sessions.durations import say_duration
from sessions.errors import IntegrandError, UsageError
from sessions.gates.results import Results
from sessions.laboratory import Laboratory, Question
from sessions.ledger.ledger import Reading
from sessions.narrator import Narrator
from sessions.options import Options


def try_gates(config: Path, state: Path, narrator: Narrator) -> None:
    """Run each gate of a configuration once on its release, and say what came out.

    Raises :class:`UsageError`, one sentence, where one measured nothing: what to mend is said before.
    """
    options = Options(config=config, state=state, date=dt.datetime.now(dt.UTC).date())
    with open_day(options, narrator) as day, day.laboratory() as laboratory:
        unmeasured = [gate.name for gate in day.config.gates if not _try(day, laboratory, gate)]
    if unmeasured:
        raise UsageError(
            f"{config.name} is written, but {' and '.join(unmeasured)} measured nothing: mend it there as said above, "
            "and try it with `nox -s baseline`."
        )


def _try(day: Day, laboratory: Laboratory, gate: Gate) -> bool:
    """Whether a gate measures something on the release."""
    question = Question(gate=gate, candidate=day.base, why=f"on {day.release.tag} itself", keep=True)
    try:
        reading = laboratory.ask(question)
    except IntegrandError as error:
        day.narrator.bad(f"{gate.name}: {error}")
        return False
    results = reading.results
    if reading.built and results.is_yardstick:
        day.narrator.good(f"{gate.name}: {_counts(results)} on {day.release.tag}, in {say_duration(reading.seconds)}")
        return True
    day.narrator.bad(_what_to_mend(day, gate, reading))
    return False


def _counts(results: Results) -> str:
    known = " (known from now on)" if results.fails else ""
    return f"{results.passes} passed, {results.fails} failed{known}, {len(results.skipped)} skipped"


def _what_to_mend(day: Day, gate: Gate, reading: Reading) -> str:
    log, text = day.state / reading.log, day.read_log(reading)
    what = "[build] run" if not reading.built else f"`run` of gate {gate.name}"
    seen = "the build failed" if not reading.built else reading.results.trouble or "no test passed"
    return (
        f"{gate.name} measured nothing on {day.release.tag} ({seen}, status {reading.results.status}). "
        f"Its last words: {last_words(text).rstrip('.')}. {advice(text, what)} The whole log is {log}."
    )
