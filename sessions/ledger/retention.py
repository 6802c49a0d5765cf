"""Remove from the state folder what no session needed within `[engine] keep_days`.

A result is as old as the last day whose record names it, or the day on which it was first found here. Days are those of
`--date`, not of a clock: if a date goes back, nothing is removed.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sessions.ledger.record import Record
from sessions.ledger.record_file import PAST
from sessions.ledger.state_archive import LEDGER

_SEEN = "create table if not exists seen (log text primary key, day text not null) without rowid"


def tidy_state(
    state: Path, record: Record, today: dt.date, keep_days: int, record_days: int = 0, home: Path | None = None
) -> None:
    """Remove results, logs, artifacts and days' folders that nothing needed within ``keep_days`` before ``today``.

    ``home`` has the folders of the days, where that is not the state folder. The record of a day whose folder is
    removed is kept for ``record_days`` in a folder of its own, ``past``.

    Raises :class:`OSError` or :class:`sqlite3.Error` if files cannot be read or deleted.
    """
    before = day_before(today, keep_days).isoformat()
    used = {probe.log for probe in record.probes}
    logs, trees, images = _tidy_ledger(state / LEDGER, used, today.isoformat(), before)
    for log in (state / "logs").glob("*.log"):
        if f"logs/{log.name}" not in logs:
            log.unlink()
    kept = {tree[:12] for tree in trees} | {record.tree[:12]}
    for folder in (state / "artifacts").glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder)
    for folder in (state / "local").glob("release-*"):  # which the local engine copies for each probe
        if images and f"local:{folder.name.removeprefix('release-')}" not in images:
            shutil.rmtree(folder)
    _tidy_days(home or state, before, day_before(today, record_days).isoformat())


def day_before(today: dt.date, days: int) -> dt.date:
    """Return the date that lies so many days back, but for the calendar's first day at the earliest."""
    return dt.date.fromordinal(max(1, today.toordinal() - days))


def _tidy_days(home: Path, before: str, records_before: str) -> None:
    """Remove the folders and the kept records of days before these dates."""
    newest = (home / "latest").resolve().name
    for folder in (home / "days").glob("????-??-??*"):
        if folder.name[:10] < before and folder.name != newest:
            _keep_record(folder, home / PAST)
            shutil.rmtree(folder)
    for path in (home / PAST).glob("*.json"):
        if path.stem < records_before:
            path.unlink()


def _keep_record(folder: Path, past: Path) -> None:
    """Keep the record of a whole day, of which the folder is about to be removed."""
    path = folder / "run.json"
    if len(folder.name) == len("2026-01-31") and path.is_file():
        past.mkdir(exist_ok=True)
        path.replace(past / f"{folder.name}.json")


def _tidy_ledger(path: Path, used: set[str], today: str, before: str) -> tuple[set[str], set[str], set[str]]:
    """Remove results that are too old; return the logs, trees and images of those that stay."""
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute(_SEEN)
        ledger.execute("insert or ignore into seen select distinct log, ? from results", (today,))
        ledger.executemany("update seen set day = max(day, ?) where log = ?", [(today, log) for log in used])
        ledger.execute("delete from results where log in (select log from seen where day < ?)", (before,))
        ledger.execute("delete from seen where log not in (select log from results)")
        rows = ledger.execute("select log, tree, image from results").fetchall()
        logs, trees, images = ({row[column] for row in rows} for column in range(3))
        # Not `where head not in (select ...)`: SQLite reads all of a result to compare its tree, for each history.
        heads = {head for (head,) in ledger.execute("select distinct head from histories")}
        ledger.executemany("delete from histories where head = ?", [(head,) for head in heads - trees])
    return logs, trees, images
