"""Write the report as Markdown, for the terminal and a file."""

from __future__ import annotations

from pathlib import Path

from sessions.ledger.record import Record, RecordedTicket
from sessions.ledger.record_file import write_whole
from sessions.reporting.reproduction import reproduction
from sessions.reporting.templates import Filters, render
from sessions.reporting.verdicts import HEAD_FIRST
from sessions.terminal.durations import say_duration
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Verdict


def write_report(record: Record, folder: Path) -> str:
    """Write ``report.md`` into the day's folder, and return its text."""
    text = _render("report.md.jinja", record=record, groups=_groups(record))
    write_whole(folder / "report.md", text)
    return text


def _groups(record: Record) -> list[tuple[Verdict, list[RecordedTicket]]]:
    """Return the tickets by verdict: first those in the head, in merge order, then those that need action."""
    place = {number: at for at, number in enumerate(record.order)}
    tickets = sorted(record.tickets, key=lambda each: place.get(each.number, each.number))
    groups = [(verdict, [each for each in tickets if each.verdict is verdict]) for verdict in HEAD_FIRST]
    return [(verdict, members) for verdict, members in groups if members]


def _render(name: str, **values: object) -> str:
    filters: Filters = {
        "plain": MARKDOWN.escape,
        "fenced": MARKDOWN.fence,
        "span": say_duration,
        "reproduction": reproduction,
    }
    return render(name, filters, **values)
