"""Make a day's record, and save it with its report."""

from __future__ import annotations

import time
from dataclasses import replace

from sessions.day.context import Day
from sessions.day.cooking_rules import cooking_rules
from sessions.day.released_tickets import released_tickets
from sessions.day.run_record import DayResult, make_record
from sessions.ledger.record import Record
from sessions.ledger.record_file import save_record
from sessions.reporting.report_files import write_reports


def record_day(day: Day, day_result: DayResult) -> Record:
    """Make the record of what was found, and save it with its report; return it as it was saved."""
    record = make_record(day, day_result)
    return save_with_report(day, replace(record, released=released_tickets(day, record)))


def save_with_report(day: Day, record: Record) -> Record:
    """Save the record as the newest, with its report and the time that has passed; return it as it was saved."""
    record = replace(record, timings=replace(record.timings, seconds=round(time.monotonic() - day.started, 3)))
    save_record(record, day.folder)
    write_reports(record, day.folder, cooking_rules(day.config))
    return record
