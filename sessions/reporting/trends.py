"""How a project does over many days, for others' plots: CSV and JSON, made from the run records alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sessions.ledger.record import Record, write_whole
from sessions.reporting.index import read_days, stays, summarize_day
from sessions.terminal.harmless_text import harmless_line

# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, kw_only=True)
class DayFigures:
    """One day. ``seconds`` is how long its last call took, ``probe_seconds`` what all its probes took: its cost."""

    date: str
    release: str
    state: str
    integrated: int
    at_fault: int
    waiting: int
    probes: int
    seconds: float
    probe_seconds: float


@dataclass(frozen=True, kw_only=True)
class FailureFigures:
    """On how many days a test failed anew (on the head, or with a ticket at fault), was known to fail, or was flaky."""

    gate: str
    test: str
    new: int
    known: int
    flaky: int
    first_flaky: str
    last_seen: str


def write_trends(days: Path, folder: Path) -> int:
    """Write ``trends.json``, ``days.csv``, ``tests.csv`` and ``waiting.csv``, and return how many days are in them.

    Raises OSError where ``folder`` cannot be written.
    """
    records = read_days(days)
    figures: dict[str, list[dict[str, Any]]] = {
        "days": [asdict(day_figures(record)) for record in records],
        "tests": [asdict(each) for each in figures_of_tests(records)],
        "waiting": [asdict(each) for each in stays(records)],
    }
    green = sum(day["state"] == "green" for day in figures["days"])
    summary = {"days": len(records), "green_days": green}
    write_whole(folder / "trends.json", json.dumps({"summary": summary, **figures}, indent=2) + "\n")
    for name, rows in figures.items():
        write_whole(folder / f"{name}.csv", _csv(rows))
    return len(records)


def day_figures(record: Record) -> DayFigures:
    """Return the figures of one day."""
    kept = summarize_day(record)
    return DayFigures(
        date=record["date"],
        release=record["release"],
        state=record["state"],
        integrated=kept.integrated,
        at_fault=kept.fault,
        waiting=kept.waiting,
        probes=len(record["probes"]),
        seconds=record["timings"]["seconds"],
        probe_seconds=record["timings"]["probe_seconds"],
    )


def figures_of_tests(records: Sequence[Record]) -> list[FailureFigures]:
    """Return the figures of all tests that failed on one of the days, which are in order; the most frequent first."""
    seen: dict[tuple[str, str], dict[str, list[str]]] = {}
    for record in records:
        for kind, gate, test in {*_failures(record)}:
            seen.setdefault((gate, test), {"new": [], "known": [], "flaky": []})[kind].append(record["date"])
    figures = [
        FailureFigures(
            gate=gate,
            test=test,
            new=len(dates["new"]),
            known=len(dates["known"]),
            flaky=len(dates["flaky"]),
            first_flaky=min(dates["flaky"], default=""),
            last_seen=max(date for each in dates.values() for date in each),
        )
        for (gate, test), dates in seen.items()
    ]
    return sorted(figures, key=lambda each: (-each.new - each.flaky, -each.known, each.gate, each.test))


def _failures(record: Record) -> Iterable[tuple[str, str, str]]:
    for name, gate in record["gates"].items():
        yield from ((kind, name, test) for kind in ("new", "known", "flaky") for test in gate[kind])
    for ticket in record["tickets"]:
        yield from (("new", broke["gate"], broke["test"]) for broke in ticket["broke"])


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a header, in UTF-8 as RFC 4180 has it; empty without rows."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows([{key: _cell(value) for key, value in row.items()} for row in rows])
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    line = harmless_line(value)
    return f"'{line}" if line.startswith(_FORMULA) else line
