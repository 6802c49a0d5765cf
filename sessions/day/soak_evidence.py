"""Put what the runs of a flaky test showed into the form of the record. Pure."""

from __future__ import annotations

from sessions.culprits.soak import JudgedFlake
from sessions.gates.flake_statistics import rate_interval
from sessions.gates.results import Presence, TestId
from sessions.gates.run_history import RunCounts
from sessions.ledger.record import SoakedFlake
from sessions.terminal.phrases import counted


def soaked_flake(test: TestId, judged: JudgedFlake, evidence: tuple[str, ...]) -> SoakedFlake:
    """Return the entry of the record for a flaky test."""
    low, high = rate_interval(judged.with_.fails, judged.with_.total)
    return SoakedFlake(
        test=TestId.parse(str(test)),
        source=judged.source,
        fails=judged.with_.fails,
        runs=judged.with_.total,
        low=round(low, 4),
        high=round(high, 4),
        evidence=evidence,
    )


def say_evidence(judged: JudgedFlake, with_: str, without: str) -> tuple[str, ...]:
    """Return a phrase for the runs with a ticket and one for those without; both are named in words."""
    phrases = [f"fails in {judged.with_.fails} of {counted(judged.with_.total, 'run')} with {with_}"]
    counts = RunCounts.of(judged.without)
    if counts.total:
        ending = f"fails in {counts.fails}" if counts.fails else "passes in all"
        phrases.append(f"{ending} of {counted(counts.total, 'run')} with {without}")
    elif Presence.ABSENT in judged.without:
        phrases.append(f"does not exist with {without}")
    return tuple(phrases)
