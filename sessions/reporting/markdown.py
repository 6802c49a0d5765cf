"""The report as Markdown: for the terminal, a file, and each ticket."""

from __future__ import annotations

import re
from pathlib import Path

from sessions.ledger.record import Record, RecordedTicket
from sessions.ledger.record_file import write_whole
from sessions.reporting.reproduction import reproduction
from sessions.reporting.templates import Filters, render
from sessions.reporting.verdicts import HEAD_FIRST
from sessions.terminal.console import harmless
from sessions.terminal.durations import say_duration
from sessions.tickets.model import Verdict

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~@&$])")
# What makes a list or a rule at a line's beginning.
_LEADING = re.compile(r"^(\d*)([-+=.)])")
# Where GitHub makes a link, a mention or a reference of plain words: https://…, www.…, GH-7, @name, #7.
_LIVE = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=gh)(?=-\d)|(?<=[@#])(?=\w)")


def plain_text(text: object) -> str:
    r"""A text that came from a ticket or a log, as Markdown that shows it and does nothing else.

    Backslashes keep markup, HTML and table cells from forming; zero-width spaces keep words from turning into
    links, mentions and references.

    >>> plain_text("<b>*hi*</b> | x")
    '\\<b\\>\\*hi\\*\\</b\\> \\| x'
    """
    words = " ".join(harmless(str(text)).split())
    return _LIVE.sub("\u200b", _LEADING.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", words)))


def fenced(text: str, lines: int = 30) -> str:
    """A text as a code block whose fence is longer than any in it, cut to so many lines."""
    kept = harmless(text).strip("\n").splitlines()
    rows = [*kept[:lines], *([f"… {len(kept) - lines} more lines"] if len(kept) > lines else [])]
    longest = max((len(run) for run in re.findall(r"`+", harmless(text))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *rows, fence])


def write_report(record: Record, folder: Path) -> str:
    """Write ``report.md`` into the day's folder; its text."""
    text = _render("report.md.jinja", record=record, groups=_groups(record))
    write_whole(folder / "report.md", text)
    return text


def account(record: Record, ticket: RecordedTicket) -> str:
    """What one ticket is told: its verdict, why, and what shows it.

    Nothing in it changes from day to day where the verdict does not: telling it again is telling nothing.
    """
    return _render("account.md.jinja", record=record, ticket=ticket)


def _groups(record: Record) -> list[tuple[Verdict, list[RecordedTicket]]]:
    """The tickets by verdict: first those in the head, in merge order, then those that somebody must act on."""
    place = {number: at for at, number in enumerate(record.order)}
    tickets = sorted(record.tickets, key=lambda each: place.get(each.number, each.number))
    groups = [(verdict, [each for each in tickets if each.verdict is verdict]) for verdict in HEAD_FIRST]
    return [(verdict, members) for verdict, members in groups if members]


def _render(name: str, **values: object) -> str:
    filters: Filters = {"plain": plain_text, "fenced": fenced, "span": say_duration, "reproduction": reproduction}
    return render(name, filters, **values)
