"""Forecast the cost of a day from earlier days: how many probes, and how long they take. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sessions.terminal.durations import say_duration

# Without earlier days, one ticket in so many is assumed to break something.
_TICKETS_A_CULPRIT = 20
# Beside the rounds, a search takes so many probes (looks at the head and the release, and at what still fails without
# the culprits), and so many for each culprit. Tests that ran seldom so far take up to so many more, none of them after
# _STEADY runs. Fitted to simulated days (`nox -s bench -- culprits`); docs/benchmarks.md has the error.
_LOOKS, _PROOFS = 3.0, 2.0
_MORE_LOOKS, _MORE_PROOFS = 3.0, 4.5
_STEADY = 10
# How often a search waits for results, however many probes run at once.
_WAITS, _MORE_WAITS = 4.0, 4.0
# The whole gate, and parts of it that ran on several machines or as the first part, as the ledger calls them.
_WHOLE, _SHARD = "*", "shard "


@dataclass(frozen=True)
class Durations:
    """The runs of a gate so far: the tests that ran (files, one a line), and the seconds."""

    runs: Sequence[tuple[str, float]]

    @property
    def wholes(self) -> int:
        """How often the whole gate ran."""
        return sum(tests == _WHOLE for tests, _ in self.runs)

    def longest(self, tests: str) -> float | None:
        """Return the longest run of the same tests; where they never ran, of the whole gate or of any of its files."""
        return max(self._same(tests) or self._alike(tests), default=None)

    def typical(self, tests: str) -> float | None:
        """Return the median run of the same tests; where they never ran, of the whole gate or of a few files.

        A shard is not a few files: what is run again to find a culprit takes much less.
        """
        runs = self._same(tests) or [
            seconds for tests_, seconds in self.runs if not tests_.startswith(_SHARD) and self._is_alike(tests, tests_)
        ]
        return statistics.median(runs) if runs else None

    def _same(self, tests: str) -> list[float]:
        return [seconds for tests_, seconds in self.runs if tests_ == tests]

    def _alike(self, tests: str) -> list[float]:
        return [seconds for tests_, seconds in self.runs if self._is_alike(tests, tests_)]

    @staticmethod
    def _is_alike(tests: str, others: str) -> bool:
        return (tests == _WHOLE) == (others == _WHOLE)


@dataclass(frozen=True, kw_only=True)
class ExpectedSeconds:
    """What a probe took so far, at the longest and usually; ``None`` if unknown."""

    longest: float | None
    typical: float | None


@dataclass(frozen=True, kw_only=True)
class GateHistory:
    """Typical durations of a gate in seconds: of a whole run, and of a run of a few files; ``None`` if unknown.

    ``to_run`` is how often it must still run as a whole: on the release, on the head, on both or on none; ``runs`` how
    often it ran so far.
    """

    whole: float | None
    part: float | None
    to_run: int
    runs: int = _STEADY


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The expected number of probes, and the seconds until all have run; ``None`` if unknown."""

    probes: int
    seconds: float | None


def foresee(tickets: int, gates: Sequence[GateHistory], culprits: Sequence[int], at_once: int = 1) -> Forecast:
    """Return the forecast for a merge line of ``tickets`` tickets, if earlier days had so many ``culprits``.

    It is that of a middling day: the median of the earlier ones. ``at_once`` probes run together; the runs on the head
    come one after the other. If no gate must run on the head any more, the searches are known, too, and nothing runs.
    """
    wholes = sum(gate.to_run for gate in gates)
    if not wholes:
        return Forecast(probes=0, seconds=0.0)
    expected = statistics.median(culprits) if culprits else tickets / _TICKETS_A_CULPRIT
    is_red = min(1.0, expected)
    unsteady = 1 - min(_STEADY, *(gate.runs for gate in gates)) / _STEADY
    searches = is_red * (math.ceil(math.log2(tickets + 1)) + _LOOKS + _MORE_LOOKS * unsteady)
    searches += expected * (_PROOFS + _MORE_PROOFS * unsteady)
    heads = sum(gate.to_run > 0 for gate in gates)
    again = is_red * len(gates)  # the gates on the head that is left
    known = [gate for gate in gates if gate.whole is not None]
    seconds = None
    if known:
        whole = sum(gate.whole or 0.0 for gate in known) / len(known)
        part = sum(gate.part or gate.whole or 0.0 for gate in known) / len(known)
        waits = is_red * (_WAITS + _MORE_WAITS * unsteady)
        seconds = whole * (heads + again + math.ceil((wholes - heads) / at_once)) + part * max(
            searches / at_once, waits
        )
    return Forecast(probes=round(wholes + again + searches), seconds=seconds)


def say_forecast(forecast: Forecast, days: int, budget: float | None) -> str:
    """Return the forecast as one line, and whether the budget (seconds) suffices; ``days`` are the earlier ones."""
    if not forecast.probes:
        return "everything is known already"
    text = f"about {forecast.probes} probe{'s' * (forecast.probes != 1)}"
    since = f"from {days} earlier day{'s' * (days != 1)}" if days else "no earlier day tells"
    if forecast.seconds is None:
        return f"{text}; how long they take is not known yet"
    text += f", {say_duration(forecast.seconds)} or more ({since})"
    if budget is None:
        return text
    holds = (
        "holds it"
        if forecast.seconds <= budget
        else "does not hold all: release and head come first, and the next call goes on"
    )
    return f"{text}; the budget of {say_duration(budget)} {holds}"
