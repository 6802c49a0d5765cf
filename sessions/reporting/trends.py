"""How a project does over many days, for others' plots: CSV and JSON, made from the run records alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sessions.gates.results import TestId
from sessions.ledger.record import Record
from sessions.ledger.record_file import write_whole
from sessions.reporting.index import read_days, stays, summarize_day
from sessions.reporting.tables import csv_table

Row = dict[str, Any]


def write_trends(days: Path, folder: Path) -> int:
    """Write ``trends.json``, ``days.csv``, ``tests.csv`` and ``waiting.csv``, and return how many days are in them.

    Raises OSError if ``folder`` cannot be written.
    """
    records = read_days(days)
    figures: dict[str, list[Row]] = {
        "days": [day_figures(record) for record in records],
        "tests": figures_of_tests(records),
        "waiting": [asdict(each) for each in stays(records)],
    }
    green = sum(day["state"] == "green" for day in figures["days"])
    summary = {"days": len(records), "green_days": green}
    write_whole(folder / "trends.json", json.dumps({"summary": summary, **figures}, indent=2) + "\n")
    for name, rows in figures.items():
        write_whole(folder / f"{name}.csv", csv_table(rows))
    return len(records)


def day_figures(record: Record) -> Row:
    """Return the figures of one day: ``seconds`` is how long its last call took, ``probe_seconds`` its cost."""
    kept = summarize_day(record)
    return {
        "date": record.date,
        "release": record.release,
        "state": record.state,
        "integrated": kept.integrated,
        "at_fault": kept.needs_action,
        "waiting": kept.waiting,
        "probes": len(record.probes),
        "seconds": record.timings.seconds,
        "probe_seconds": record.timings.probe_seconds,
    }


def figures_of_tests(records: Sequence[Record]) -> list[Row]:
    """Return on how many of the days, which are in order, each test failed; the most frequent first.

    ``new``: on the head, or with a ticket at fault; ``known``: on the release, too; ``flaky``: by chance.
    """
    seen: dict[tuple[str, TestId], dict[str, list[str]]] = {}
    for record in records:
        for kind, gate, test in {*_failures(record)}:
            seen.setdefault((gate, test), {"new": [], "known": [], "flaky": []})[kind].append(record.date)
    rows: list[Row] = [
        {
            "gate": gate,
            "test": str(test),
            **{kind: len(each) for kind, each in dates.items()},
            "first_flaky": min(dates["flaky"], default=""),
            "last_seen": max(date for each in dates.values() for date in each),
        }
        for (gate, test), dates in seen.items()
    ]
    return sorted(rows, key=lambda row: (-row["new"] - row["flaky"], -row["known"], row["gate"], row["test"]))


def _failures(record: Record) -> Iterable[tuple[str, str, TestId]]:
    for name, gate in record.gates.items():
        for kind, tests in (("new", gate.new), ("known", gate.known), ("flaky", gate.flaky)):
            yield from ((kind, name, test) for test in tests)
    for ticket in record.tickets:
        yield from (("new", broke.gate, broke.test) for broke in ticket.broke)
