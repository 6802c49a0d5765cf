"""The record and the report of a day that is still running, for whoever wants to look."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress, unreached
from sessions.day.run_record import DayResult
from sessions.day.saved_record import record_day
from sessions.ledger.record import State
from sessions.tickets.model import Ticket

# Seconds between two reports, and before the first: a day that is over sooner has none.
_PACE = 60.0


@dataclass(kw_only=True)
class RunningReport:
    """Writes what is known of a day, with the state "running": no ticket is integrated yet."""

    day: Day
    tickets: Sequence[Ticket]
    progress: Progress
    runner: ProbeRunner
    pace: float = _PACE
    _written: float = field(init=False)

    def __post_init__(self) -> None:
        self._written = self.day.started

    def write(self, stage: str) -> None:
        """Write the report, unless one was written just now."""
        if time.monotonic() - self._written < self.pace:
            return
        is_first = self._written == self.day.started
        line = unreached(self.progress.line, "the day is still running")
        record_day(
            self.day,
            DayResult(
                state=State.RUNNING,
                message=f"{stage}; if the session was stopped, the same command continues it",
                complete=False,
                tickets=self.tickets,
                progress=replace(self.progress, line=line),
                runner=self.runner,
            ),
        )
        self._written = time.monotonic()
        if is_first:
            self.day.console.detail(f"report so far, written again at each stage: {self.day.folder / 'report.html'}")
