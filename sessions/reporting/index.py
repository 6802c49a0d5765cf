"""Render the page of all kept days: their results, flaky tests, and tickets that stay out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sessions.gates.results import TestId
from sessions.ledger.record import Record
from sessions.ledger.record_file import PAST, read_record, record_of_day
from sessions.reporting.html import render_page
from sessions.reporting.verdicts import VERDICTS, Group
from sessions.tickets.model import Verdict

_NEWEST = 90
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One day: how many tickets were integrated, need action from their authors, and wait for something else."""

    record: Record
    integrated: int
    needs_action: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Flake:
    """A test that was flaky on so many ``days``, last on ``last``."""

    gate: str
    test: TestId
    days: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A ticket that is out since a day; ``days`` counts the recorded days since then, that one included."""

    number: int
    title: str
    verdict: Verdict
    reason: str
    since: str
    days: int


def index(records: Sequence[Record]) -> str:
    """Return the page of all kept days, which are in order."""
    kept = [summarize_day(record) for record in records]
    return render_page(
        "index.html.jinja",
        days=kept,
        flakes=flakes(records),
        stays=stays(records),
        most=(max((d.integrated for d in kept), default=0), max((d.needs_action + d.waiting for d in kept), default=0)),
        longest=max((day.record.timings.probe_seconds for day in kept), default=1.0) or 1.0,
    )


def read_days(days: Path, known: Mapping[str, Record] | None = None) -> list[Record]:
    """Return the records of a folder of days, the oldest first: the newest 90 with tickets, without plans.

    Those that cannot be read are skipped; those that are ``known``, by the name of their folder, are not read again.
    """
    folders = sorted(path for path in days.glob("*") if _DAY.fullmatch(path.name))[-_NEWEST:]
    records = [(known or {}).get(folder.name) or record_of_day(folder) for folder in folders]
    return [record for record in records if record and record.tickets]


def read_all_days(state: Path, known: Mapping[str, Record] | None = None) -> list[Record]:
    """Return the records of a state folder's days, and before them those of past days; ``known`` as in `read_days`."""
    return with_past_days(read_days(state / "days", known), state)


def with_past_days(records: Sequence[Record], state: Path) -> list[Record]:
    """Return the records of a state folder's days, and before them those of past days of which only these are kept."""
    found = {}
    for path in sorted((state / PAST).glob("*.json")):
        with suppress(OSError, ValueError):
            found[path.stem] = read_record(path)
    past = {date: record for date, record in found.items() if record.tickets}
    known = past | {record.date: record for record in records}
    return [known[date] for date in sorted(known)]


def summarize_day(record: Record) -> Kept:
    """Return how many tickets of a day are in and out."""
    groups = [VERDICTS[ticket.verdict].group for ticket in record.tickets]
    return Kept(
        record=record,
        integrated=groups.count(Group.INTEGRATED),
        needs_action=groups.count(Group.NEEDS_ACTION),
        waiting=groups.count(Group.WAITING),
    )


def flakes(records: Sequence[Record]) -> list[Flake]:
    """Return the flaky tests of some days, the most frequent first."""
    seen: dict[tuple[str, TestId], list[str]] = {}
    for record in records:
        for name, gate in record.gates.items():
            for test in gate.flaky:
                seen.setdefault((name, test), []).append(record.date)
    found = [Flake(gate=gate, test=test, days=len(dates), last=dates[-1]) for (gate, test), dates in seen.items()]
    return sorted(found, key=lambda each: (-each.days, each.gate, each.test))


def stays(records: Sequence[Record]) -> list[Stay]:
    """Return the tickets that the last day left out, those first that have been out longest."""
    out: dict[int, list[str]] = {}
    for record in records:
        # A day with other tickets says nothing about this one.
        for each in record.tickets:
            is_out = VERDICTS[each.verdict].stays_out
            out[each.number] = [*out.get(each.number, []), record.date] if is_out else []
    newest = records[-1].tickets if records else ()
    found = [
        Stay(
            number=each.number,
            title=each.title,
            verdict=each.verdict,
            reason=each.reason,
            since=dates[0],
            days=len(dates),
        )
        for each in newest
        if (dates := out[each.number])
    ]
    return sorted(found, key=lambda each: (-each.days, each.number))
