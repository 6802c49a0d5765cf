"""The tickets of the newest day before this one, which the best set stays near to."""

from __future__ import annotations

import json
from pathlib import Path


def previous_tickets(state: Path, date: str) -> frozenset[int]:
    """Return the tickets in the head of the newest day before ``date`` (ISO 8601); none where no such day is recorded.

    Days of which only a plan or a part was recorded do not count, nor those that ended in an error.
    """
    days = sorted((path for path in (state / "days").glob("????-??-??") if path.name < date), reverse=True)
    for folder in days:
        try:
            record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            if record["state"] != "broken" and record["order"]:
                return frozenset(record["order"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return frozenset()
