"""What a day will cost, before it runs: how many probes and how long, from what earlier days took. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sessions.terminal.durations import say_duration

# Where no earlier day tells: one ticket in so many breaks something.
_TICKETS_A_CULPRIT = 20
# The failing tests on the head and on the release once more, and on the head without its culprits.
_LOOKS = 3
# Each culprit alone, and the release or its neighbours without it, until the odds convince.
_PROOFS = 4


@dataclass(frozen=True, kw_only=True)
class GateHistory:
    """What is known of a gate: seconds of a whole run and of one of some files, ``None`` if never seen.

    ``to_run`` is how often it has still to run as a whole: on the release, on the head, on both or on none.
    """

    whole: float | None
    part: float | None
    to_run: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Probes to expect, and seconds if they run one after the other; ``None`` where nothing tells."""

    probes: int
    seconds: float | None


def foresee(tickets: int, gates: Sequence[GateHistory], culprits: Sequence[int]) -> Forecast:
    """What to expect of a line of so many tickets, where earlier days had so many ``culprits``.

    A day on which nothing has to run on the head costs nothing more: its searches are known, too.
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
    """The forecast as one line, and whether the budget (seconds) holds it when so many probes run ``at_once``."""
    if not forecast.probes:
        return "everything is known already"
    words = f"about {forecast.probes} probe{'s' * (forecast.probes != 1)}"
    since = f"from {days} earlier day{'s' * (days != 1)}" if days else "no earlier day tells"
    if forecast.seconds is None:
        return f"{words}; how long they take is not known yet"
    least = forecast.seconds / at_once
    words += f", {say_duration(least)} or more ({since})"
    if budget is None:
        return words
    holds = (
        "holds it" if least <= budget else "does not hold all: release and head come first, and the next call goes on"
    )
    return f"{words}; the budget of {say_duration(budget)} {holds}"
