"""Begin a ticket's soak where earlier days left off: the same commit of a ticket is not soaked every day again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sessions.culprits.soak import RUNS
from sessions.gates.flake_source import FlakeSource
from sessions.ledger.record import RecordedSoak, SoakedFlake
from sessions.ledger.record_file import records_before
from sessions.tickets.model import Ticket

# Sources that later runs may still change: with a new release, or with more time.
_OPEN = (FlakeSource.TICKET, FlakeSource.UNCLEAR)


@dataclass(frozen=True, kw_only=True)
class SoakMemory:
    """The newest soak of each commit of a ticket in the records of the days before ``date`` (ISO 8601)."""

    home: Path
    date: str

    def begin(self, gate: str, ticket: Ticket, files: tuple[str, ...]) -> RecordedSoak:
        """Return a ticket's soak as it is before today's first run."""
        earlier = self._earlier.get((gate, ticket.number, ticket.commit))
        return RecordedSoak(
            gate=gate,
            files=files,
            runs=earlier.runs if earlier else 0,
            enough=RUNS,
            since=earlier.since if earlier else self.date,
            flakes=tuple(each for each in earlier.flakes if each.source not in _OPEN) if earlier else (),
        )

    def open_flakes(self, gate: str, ticket: Ticket) -> tuple[SoakedFlake, ...]:
        """Return the flaky tests of an earlier soak that are to be judged again."""
        earlier = self._earlier.get((gate, ticket.number, ticket.commit))
        return tuple(each for each in earlier.flakes if each.source in _OPEN) if earlier else ()

    @cached_property
    def _earlier(self) -> dict[tuple[str, int, str], RecordedSoak]:
        soaks: dict[tuple[str, int, str], RecordedSoak] = {}
        for record in records_before(self.home / "days", self.date):
            for ticket in record.tickets:
                for soak in ticket.soaks:
                    soaks.setdefault((soak.gate, ticket.number, ticket.commit), soak)
        return soaks
