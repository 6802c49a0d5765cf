"""A month of days in which each ticket goes a way that was planned beforehand."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessions.ledger.record import Record
from sessions.ledger.record_file import parse_record
from tests.reporting.big_day import big_day, commit

DAYS = 30
RELEASES = {0: "10.5.beta2", 20: "10.5.beta3"}


def date(day: int) -> str:
    """The date of the month's day, counted from 0."""
    return (dt.date(2026, 10, 25) + dt.timedelta(days=day)).isoformat()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """From ``day`` on, a ticket has this verdict and commit; ``None`` as verdict: it is not listed."""

    day: int
    verdict: str | None
    commit: int = 1
    more: Mapping[str, Any] = field(default_factory=dict)


Plan = Mapping[int, tuple[Phase, ...]]


def month(
    plan: Plan, states: Mapping[int, str] | None = None, labels: Mapping[int, list[str]] | None = None
) -> Iterator[dict[str, Any]]:
    """The month's records as JSON data. ``states`` are those of the days that are not green."""
    frame = big_day(size=1)
    for day in range(DAYS):
        record = json.loads(json.dumps(frame))
        record["date"] = date(day)
        record["state"] = (states or {}).get(day, "green")
        record["release"] = RELEASES[max(start for start in RELEASES if start <= day)]
        record["tickets"] = [
            _ticket(number, phase) | {"labels": (labels or {}).get(number, [])}
            for number, phases in plan.items()
            if (phase := _phase(phases, day)) and phase.verdict
        ]
        yield record


def records(plan: Plan, states: Mapping[int, str] | None = None) -> list[Record]:
    """The month's records."""
    return [parse_record(record) for record in month(plan, states)]


def write_month(state: Path, plan: Plan, labels: Mapping[int, list[str]] | None = None) -> Path:
    """Write the month into a state folder; return its folder of days."""
    for record in month(plan, labels=labels):
        folder = state / "days" / record["date"]
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(record))
    return state / "days"


def _phase(phases: tuple[Phase, ...], day: int) -> Phase | None:
    return next((phase for phase in reversed(phases) if phase.day <= day), None)


def _ticket(number: int, phase: Phase) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Ticket {number}",
        "url": f"https://example.org/{number}",
        "priority": "",
        "commit": commit((number, phase.commit)),
        "verdict": phase.verdict,
        "reason": f"because of {phase.verdict}" if phase.verdict not in ("integrated", "already-merged") else "",
        "blocked_by": [],
        "conflicts": [],
        "broke": [],
        **phase.more,
    }


def conflict_with(*numbers: int) -> dict[str, Any]:
    """Fields of a ticket that conflicts with others."""
    return {"conflicts": [{"with": list(numbers), "path": "a.py", "lines": "3", "kind": "contents", "hunk": ""}]}


# How a verdict on a green day is called in a ticket's way.
_CALLED = {"integrated": "in a green head", "conflict": "out", "culprit": "out", "ineligible": "not ready"}


def random_plan(chance: random.Random) -> tuple[tuple[Phase, ...], list[tuple[str, str]]]:
    """A ticket's phases of 3 to 9 days each, with the steps that they are to show, but for ripe and stalled ones."""
    day, revision, phases, steps = chance.randrange(12), 1, list[Phase](), list[tuple[str, str]]()
    if day:
        steps.append((date(day), "new"))
    verdict = ""
    while day < DAYS:
        others = sorted({*_CALLED} - {verdict})
        keeps = bool(verdict) and chance.random() < 0.3
        if keeps or (verdict and chance.random() < 0.3):
            revision += 1
            steps.append((date(day), "updated"))
        if not keeps:
            verdict = chance.choice(others)
            steps.append((date(day), _CALLED[verdict]))
        phases.append(Phase(day=day, verdict=verdict, commit=revision))
        day += chance.randint(3, 9)
    return tuple(phases), steps
