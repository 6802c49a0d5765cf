"""The tickets of the newest day before this one, which the best set stays near to."""

from __future__ import annotations

from pathlib import Path

from sessions.ledger.record import State
from sessions.ledger.record_file import records_before

# Days whose heads nobody decided on.
_UNDECIDED = (State.BROKEN, State.RUNNING)


def previous_tickets(state: Path, date: str) -> frozenset[int]:
    """Return the tickets in the head of the newest day before ``date`` (ISO 8601); none where no such day is recorded.

    Days of which only a plan or a part was recorded do not count, nor those that ended in an error or were killed.
    """
    earlier = records_before(state / "days", date)
    heads = (record.order for record in earlier if record.state not in _UNDECIDED and record.order)
    return frozenset(next(heads, ()))
