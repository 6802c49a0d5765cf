"""Write the report files of a day next to its record."""

from __future__ import annotations

import shutil
from pathlib import Path

from sessions.ledger.record import GateState, Record
from sessions.ledger.record_file import write_whole
from sessions.reporting.html import page
from sessions.reporting.index import index
from sessions.reporting.junit import junit
from sessions.reporting.markdown import markdown_report


def write_reports(record: Record, folder: Path) -> None:
    """Write ``report.md``, ``report.html`` and ``junit/GATE.xml`` into a day's folder, and the index beside it.

    The record must be saved already: the index reads all of them. A gate that has not run has no
    JUnit file: an empty suite would look like a mistake.
    """
    days = folder.parent
    write_whole(folder / "report.md", markdown_report(record))
    write_whole(folder / "report.html", page(record, days.parent))
    write_whole(days / "index.html", index(days))
    shutil.rmtree(folder / "junit", ignore_errors=True)
    for name, gate in record.gates.items():
        if gate.state is not GateState.PENDING:
            write_whole(folder / "junit" / f"{name}.xml", junit(record, name))
