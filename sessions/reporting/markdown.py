"""The report as Markdown, for the terminal and a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sessions.ledger.record import Record, write_whole
from sessions.reporting.reproduction import reproduction
from sessions.reporting.templates import Filters, render
from sessions.terminal.durations import say_duration
from sessions.tickets.dialects.markdown import MARKDOWN


def write_report(record: Record, folder: Path) -> str:
    """Write ``report.md`` into the day's folder; its text."""
    text = _render("report.md.jinja", record=record, groups=_groups(record))
    write_whole(folder / "report.md", text)
    return text


def _groups(record: Record) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """The tickets by verdict: first those in the head, in merge order, then those that somebody must act on."""
    place = {number: at for at, number in enumerate(record["order"])}
    verdicts = ("integrated", "culprit", "conflict", "blocked", "unfetchable", "not-reached", "already-merged")
    tickets = sorted(record["tickets"], key=lambda each: place.get(each["number"], each["number"]))
    groups = [(verdict, [t for t in tickets if t["verdict"] == verdict]) for verdict in (*verdicts, "ineligible")]
    return [(verdict, members) for verdict, members in groups if members]


def _render(name: str, **values: object) -> str:
    filters: Filters = {
        "plain": MARKDOWN.escape,
        "fenced": MARKDOWN.fence,
        "span": say_duration,
        "reproduction": reproduction,
    }
    return render(name, filters, **values)
