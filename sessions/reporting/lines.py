"""Compare release lines: the verdict on each ticket in each line, as a page and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sessions.ledger.record import Record, RecordedTicket
from sessions.ledger.record_file import write_whole
from sessions.reporting.html import render_page
from sessions.reporting.verdicts import VERDICTS
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Verdict


@dataclass(frozen=True, kw_only=True)
class LineRow:
    """A ticket with its place in each line that it is meant for, by the line's name."""

    number: int
    title: str
    url: str
    places: Mapping[str, RecordedTicket]


def ticket_rows(records: Mapping[str, Record]) -> list[LineRow]:
    """Return the tickets that are meant for a line at least, by number. A ticket is meant for a line if it is ready."""
    places = dict[int, dict[str, RecordedTicket]]()
    for name, record in records.items():
        for ticket in record.tickets:
            if ticket.verdict is not Verdict.INELIGIBLE:
                places.setdefault(ticket.number, {})[name] = ticket
    rows = []
    for number in sorted(places):
        newest = next(reversed(places[number].values()))
        rows.append(LineRow(number=number, title=newest.title, url=newest.url, places=places[number]))
    return rows


def describe_lines(records: Mapping[str, Record]) -> Iterator[str]:
    """Yield one line on each ticket that does not have the same verdict in all lines that it is meant for."""
    for row in ticket_rows(records):
        if len({ticket.verdict for ticket in row.places.values()}) > 1:
            each = ", ".join(
                f"{name} {VERDICTS[ticket.verdict].symbol} {ticket.verdict}" for name, ticket in row.places.items()
            )
            yield f"{name_ticket(row.number)}: {each}"


def write_lines(state: Path, records: Mapping[str, Record], reports: Mapping[str, str]) -> Path:
    """Write the page of all lines into the state folder, and return its path.

    ``reports`` are the addresses of the lines' reports, relative to the page.
    """
    path = state / "lines" / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ticket_rows(records)
    out = sum(any(ticket.verdict.is_at_fault for ticket in row.places.values()) for row in rows)
    write_whole(
        path,
        render_page(
            "lines.html.jinja",
            lines=records,
            reports=reports,
            rows=rows,
            lead=f"{counted(len(rows), 'ticket')} in {counted(len(records), 'line')}, of which {out} need action",
        ),
    )
    return path
