"""Forecast the cost of a day from earlier days: how many probes, and how long they take. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sessions.terminal.durations import say_duration

# Without earlier days, one ticket in so many is assumed to break something.
_TICKETS_A_CULPRIT = 20
# Probes of failing tests: again on the head and on the release, and on the head without the culprits.
_LOOKS = 3
# Probes for each culprit: with it alone, and without it, until the odds suffice.
_PROOFS = 4


@dataclass(frozen=True, kw_only=True)
class GateHistory:
    """Durations of a gate in seconds: of a whole run, and of a run of some files; ``None`` if unknown.

    ``to_run`` is how often it must still run as a whole: on the release, on the head, on both or on none.
    """

    whole: float | None
    part: float | None
    to_run: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The expected number of probes, and their seconds if they run one after the other; ``None`` if unknown."""

    probes: int
    seconds: float | None


def foresee(tickets: int, gates: Sequence[GateHistory], culprits: Sequence[int]) -> Forecast:
    """Return the forecast for a merge line of ``tickets`` tickets, if earlier days had so many ``culprits``.

    If no gate must run on the head any more, the searches are known, too, and nothing more runs.
    """
    wholes = sum(gate.to_run for gate in gates)
    if not wholes:
        return Forecast(probes=0, seconds=0.0)
    expected = sum(culprits) / len(culprits) if culprits else tickets / _TICKETS_A_CULPRIT
    searches = min(1.0, expected) * (math.ceil(math.log2(tickets + 1)) + _LOOKS) + expected * _PROOFS
    again = min(1.0, expected) * len(gates)  # the gates on the head that is left
    known = [gate for gate in gates if gate.whole is not None]
    seconds = None
    if known:
        whole = sum(gate.whole or 0.0 for gate in known) / len(known)
        part = sum(gate.part or gate.whole or 0.0 for gate in known) / len(known)
        seconds = whole * (wholes + again) + part * searches
    return Forecast(probes=round(wholes + again + searches), seconds=seconds)


def say_forecast(forecast: Forecast, at_once: int, days: int, budget: float | None) -> str:
    """Return the forecast as one line, and whether the budget (seconds) suffices if ``at_once`` probes run together."""
    if not forecast.probes:
        return "everything is known already"
    text = f"about {forecast.probes} probe{'s' * (forecast.probes != 1)}"
    since = f"from {days} earlier day{'s' * (days != 1)}" if days else "no earlier day tells"
    if forecast.seconds is None:
        return f"{text}; how long they take is not known yet"
    least = forecast.seconds / at_once
    text += f", {say_duration(least)} or more ({since})"
    if budget is None:
        return text
    holds = (
        "holds it" if least <= budget else "does not hold all: release and head come first, and the next call goes on"
    )
    return f"{text}; the budget of {say_duration(budget)} {holds}"
