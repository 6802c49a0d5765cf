"""Remember changes that a tracker refused, in ``STATE/refused.json``, so that they are not tried every day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.ledger.record_file import write_whole
from sessions.tickets.refusals import Change, Refusal, TicketPart

# A refused change is tried again after this time: our token may have got the permission in the meantime.
RETRY_AFTER = dt.timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """A refusal, the day ``since`` which it holds, and the day on which it was last ``tried``."""

    refusal: Refusal
    since: dt.date
    tried: dt.date

    @property
    def again(self) -> dt.date:
        """The day on which it is tried again."""
        return self.tried + RETRY_AFTER

    def is_due(self, today: dt.date) -> bool:
        """Whether to try again today. A report for a day before the refusal tries as well."""
        return not self.tried <= today < self.again


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The file of refusals in a state folder, for the tracker at one address."""

    path: Path
    tracker: str

    @classmethod
    def of(cls, state: Path, tracker: str) -> Memory:
        """Return the memory in a state folder."""
        return cls(path=state / "refused.json", tracker=tracker)

    def recall(self) -> tuple[Remembered, ...]:
        """Return the stored refusals: none if the file cannot be read."""
        return tuple(map(_read, self._rows(is_ours=True)))

    def keep(self, remembered: Iterable[Remembered]) -> None:
        """Replace the stored refusals of this tracker; those of other trackers stay."""
        rows = [*self._rows(is_ours=False), *(_row(self.tracker, each) for each in remembered)]
        if rows or self.path.exists():
            write_whole(self.path, json.dumps({"version": 1, "refused": rows}, indent=2) + "\n")

    def _rows(self, *, is_ours: bool) -> list[dict[str, Any]]:
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["refused"]
            for row in rows:
                _read(row)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return []
        return [row for row in rows if (row.get("tracker") == self.tracker) is is_ours]


def _read(row: Mapping[str, Any]) -> Remembered:
    change = Change(number=int(row["ticket"]), part=TicketPart(row["part"]), digest=str(row["digest"]))
    since, tried = (dt.date.fromisoformat(row[key]) for key in ("since", "tried"))
    return Remembered(refusal=Refusal(change=change, why=str(row["why"])), since=since, tried=tried)


def _row(tracker: str, each: Remembered) -> dict[str, Any]:
    change = each.refusal.change
    return {
        "tracker": tracker,
        "ticket": change.number,
        "part": str(change.part),
        "digest": change.digest,
        "why": each.refusal.why,
        "since": each.since.isoformat(),
        "tried": each.tried.isoformat(),
    }
