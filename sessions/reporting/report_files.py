"""Write the report files of a day next to its record."""

from __future__ import annotations

import shutil
from pathlib import Path

from sessions.ledger.record import GateState, Record
from sessions.ledger.record_file import write_whole
from sessions.reporting.cooking import CookingRules, what_cooks
from sessions.reporting.cooking_files import cooking_page
from sessions.reporting.html import page
from sessions.reporting.index import index, read_days, with_past_days
from sessions.reporting.junit import junit
from sessions.reporting.markdown import markdown_report


def write_reports(record: Record, folder: Path, rules: CookingRules) -> str:
    """Write ``report.md``, ``report.html`` and ``junit/GATE.xml`` into a day's folder.

    Beside it, write ``index.html`` and ``cooking.html``, which are about all days: the record must be saved already.
    A gate that has not run has no JUnit file: an empty suite would look like a mistake.

    Return the Markdown.
    """
    days = folder.parent
    markdown = markdown_report(record)
    write_whole(folder / "report.md", markdown)
    write_whole(folder / "report.html", page(record, days.parent))
    records = read_days(days, {folder.name: record})
    write_whole(days / "index.html", index(records))
    write_whole(
        days / "cooking.html", cooking_page(what_cooks(with_past_days(records, days.parent), rules), index="index.html")
    )
    shutil.rmtree(folder / "junit", ignore_errors=True)
    for name, gate in record.gates.items():
        if gate.state is not GateState.PENDING:
            write_whole(folder / "junit" / f"{name}.xml", junit(record, name))
    return markdown
