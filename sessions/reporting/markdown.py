"""Write the report as Markdown, for the terminal and a file."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from sessions.ledger.record import Record, RecordedTicket
from sessions.reporting.common_causes import release_warning
from sessions.reporting.provisos import provisos
from sessions.reporting.record_view import by_head, state_label
from sessions.reporting.templates import Filters, render
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import Verdict


def markdown_report(record: Record) -> str:
    """The report as Markdown that GitHub and GitLab read."""
    return _render(
        "report.md.jinja",
        record=record,
        state=state_label(record),
        warning=release_warning(record),
        provisos=provisos(record),
        groups=_groups(record),
    )


def _groups(record: Record) -> list[tuple[Verdict, list[RecordedTicket]]]:
    """The tickets by verdict: first those in the head, in merge order, then those that somebody must act on."""
    return [(verdict, list(members)) for verdict, members in groupby(by_head(record), key=attrgetter("verdict"))]


def _render(name: str, **values: object) -> str:
    filters: Filters = {
        "plain": MARKDOWN.escape,
        "fenced": MARKDOWN.fence,
    }
    return render(name, filters, **values)
