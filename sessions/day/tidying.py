"""Keeps the state folder small at the end of a day."""

from __future__ import annotations

import sqlite3

from sessions.day.context import Day
from sessions.ledger.record import Record
from sessions.ledger.retention import day_before, tidy_state
from sessions.source.upkeep import tidy_mirror
from sessions.terminal.errors import SourceError


def tidy(day: Day, record: Record) -> None:
    """Remove what no day within ``keep_days`` needed, and pack the mirror. A failure is reported and ignored."""
    keep, today = day.config.engine.keep_days, day.options.date
    # A ticket is stalled only if the records show that it made no progress for so long.
    record_days = day.config.cooking.stalled_after + 1
    try:
        tidy_state(day.state, record, today, keep, record_days, day.home)
        tidy_mirror(day.mirror.repository, day_before(today, keep))
    except (OSError, sqlite3.Error, SourceError) as error:
        day.console.detail(f"old files could not be removed from {day.state}: {error}")
