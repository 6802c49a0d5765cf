"""The days that are kept, on one page: how they went, what is flaky, and which tickets stay out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.ledger.record import RECORD_VERSION, Record
from sessions.reporting.html import render_page
from sessions.reporting.record_view import counts

_NEWEST = 90
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# What keeps a ticket out that its project wanted in.
_KEPT_OUT = ("culprit", "conflict", "blocked", "unfetchable")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One day: ``fault`` tickets have something to mend, ``waiting`` ones were kept out through no fault of theirs."""

    record: Record
    integrated: int
    fault: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Flake:
    """A test that was flaky on so many ``days``, last on ``last``."""

    gate: str
    test: str
    days: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A ticket that is out since a day, which was ``days`` days of ours ago, that one included."""

    number: int
    title: str
    verdict: str
    reason: str
    since: str
    days: int


def index(days: Path) -> str:
    """The page for a folder of days; of those the newest 90 with tickets, and none that was only planned."""
    kept = [summarize_day(record) for record in read_days(days)]
    return render_page(
        "index.html.jinja",
        days=kept,
        flakes=flakes([day.record for day in kept]),
        stays=stays([day.record for day in kept]),
        most=(max((d.integrated for d in kept), default=0), max((d.fault + d.waiting for d in kept), default=0)),
        longest=max((day.record["timings"]["probe_seconds"] for day in kept), default=1.0) or 1.0,
    )


def read_days(days: Path) -> list[Record]:
    """The records of a folder of days, the oldest first; those that cannot be read are passed over."""
    folders = sorted(path for path in days.iterdir() if _DAY.fullmatch(path.name))[-_NEWEST:]
    records = (_read(folder / "run.json") for folder in folders)
    return [record for record in records if record and record["tickets"]]


def _read(path: Path) -> Record | None:
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        return record if record["version"] == RECORD_VERSION else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def summarize_day(record: Record) -> Kept:
    """Return how many tickets of a day are in and out."""
    told = counts(record)
    return Kept(
        record=record,
        integrated=told.get("integrated", 0),
        fault=told.get("culprit", 0) + told.get("conflict", 0),
        waiting=sum(told.get(verdict, 0) for verdict in ("blocked", "unfetchable", "not-reached")),
    )


def flakes(records: Sequence[Record]) -> list[Flake]:
    """The flaky tests of some days, the most frequent first."""
    seen: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for name, gate in record["gates"].items():
            for test in gate["flaky"]:
                seen.setdefault((name, test), []).append(record["date"])
    told = [Flake(gate=gate, test=test, days=len(dates), last=dates[-1]) for (gate, test), dates in seen.items()]
    return sorted(told, key=lambda each: (-each.days, each.gate, each.test))


def stays(records: Sequence[Record]) -> list[Stay]:
    """The tickets that the last of some days kept out, those first that stay out longest."""
    out: dict[int, list[str]] = {}
    for record in records:
        told = {each["number"]: each["verdict"] in _KEPT_OUT for each in record["tickets"]}
        # A day that was asked about other tickets says nothing about this one.
        for number, is_out in told.items():
            out[number] = [*out.get(number, []), record["date"]] if is_out else []
    newest = records[-1]["tickets"] if records else []
    told_of = [
        Stay(
            number=each["number"],
            title=each["title"],
            verdict=each["verdict"],
            reason=each["reason"],
            since=dates[0],
            days=len(dates),
        )
        for each in newest
        if (dates := out[each["number"]])
    ]
    return sorted(told_of, key=lambda each: (-each.days, each.number))
