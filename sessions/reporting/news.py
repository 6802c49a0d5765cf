"""What is new since the day before: which tickets came into the head, left it, or went into the release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sessions.ledger.record import Record, RecordedTicket
from sessions.ledger.record_file import records_before
from sessions.tickets.model import Verdict, name_some


@dataclass(frozen=True, kw_only=True)
class News:
    """What changed since the day ``since``, as sentences; ``since`` is empty where no earlier day is known."""

    since: str
    sentences: tuple[str, ...]


def news_of(record: Record, days: Path) -> News:
    """Compare a record with the newest one before it in a folder of days."""
    for before in records_before(days, record.date):
        if before.tickets and not before.options.plan:
            return News(since=before.date, sentences=tuple(changes_since(before, record)))
    return News(since="", sentences=())


def changes_since(before: Record, now: Record) -> Iterator[str]:
    """One sentence for each kind of change from one day's record to another's."""
    if before.release != now.release:
        yield f"The release is {now.release}; it was {before.release}."
    if before.state is not now.state:
        yield f"The day is {now.state}; it was {before.state}."
    old = {each.number: each.verdict for each in before.tickets}
    kinds = {
        "In the head": [each for each in now.tickets if each.verdict is Verdict.INTEGRATED],
        "In the release": [each for each in now.tickets if each.verdict is Verdict.ALREADY_MERGED],
        "Break a test": [each for each in now.tickets if each.verdict is Verdict.CULPRIT],
        "Bring a flaky test": [each for each in now.tickets if each.verdict is Verdict.FLAKY],
        "Do not merge": [each for each in now.tickets if each.verdict is Verdict.CONFLICT],
        "Wait for another ticket": [each for each in now.tickets if each.verdict is Verdict.BLOCKED],
    }
    for kind, tickets in kinds.items():
        if new := [each for each in tickets if old.get(each.number) is not each.verdict]:
            yield f"{kind}: {_named(new)}."
    present = {each.number for each in now.tickets}
    if gone := sorted(number for number, verdict in old.items() if verdict in _STANDING and number not in present):
        yield f"No longer open: {name_some(gone)}."


# What a ticket that is open and wanted can be.
_STANDING = (Verdict.INTEGRATED, Verdict.CULPRIT, Verdict.FLAKY, Verdict.CONFLICT, Verdict.BLOCKED)


def _named(tickets: list[RecordedTicket]) -> str:
    return name_some([each.number for each in tickets])
