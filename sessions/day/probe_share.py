"""How many more probes a gate may have for a purpose that is given a share of the day."""

from __future__ import annotations

from sessions.day.probe_runner import ProbeRunner
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate

# What such a purpose may take in any case, in seconds: on a small project, a share of the day is enough for nothing.
_LEAST_SECONDS = 600.0
# What has a share of its own, each as large.
_SHARING = frozenset({Purpose.SOAK, Purpose.SLOWNESS})


def seconds_left(runner: ProbeRunner, gate: Gate, purpose: Purpose) -> float:
    """Return the seconds that are left of the share that ``soak_share`` grants to a purpose.

    What was used is counted by the durations in the ledger, so that a day that is repeated stops at the same probe.
    """
    used = _durations(runner, gate)
    others = sum(seconds for each, seconds in used if each not in _SHARING)
    own = sum(seconds for each, seconds in used if each is purpose)
    return max(_LEAST_SECONDS, others * gate.soak_share / 100) - own


def probes_left(runner: ProbeRunner, gate: Gate, purpose: Purpose, count: int) -> int:
    """Return how many of ``count`` more probes fit into that share, if they take as long as those before."""
    left = seconds_left(runner, gate, purpose)
    own = [seconds for each, seconds in _durations(runner, gate) if each is purpose]
    if not own or left <= 0:
        return count if left > 0 else 0
    usual = sum(own) / len(own)
    return min(count, int(left / usual)) if usual else count


def _durations(runner: ProbeRunner, gate: Gate) -> list[tuple[Purpose, float]]:
    return [
        (each.question.purpose, each.probe_result.seconds)
        for each in runner.consulted.values()
        if each.question.gate.name == gate.name
    ]
