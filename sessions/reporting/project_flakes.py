"""The flaky tests of a project with several release lines: what each line says of a test, and what follows of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sessions.gates.results import TestId
from sessions.ledger.record import Record
from sessions.reporting.flake_files import DescribedFlake, read_flakes, read_records
from sessions.tickets.model import Verdict


@dataclass(frozen=True, kw_only=True)
class ProjectFlake:
    """A flaky test. ``lines`` has what each release line says that saw it fail; without lines, the name is empty."""

    lines: Mapping[str, DescribedFlake]

    @property
    def described(self) -> DescribedFlake:
        """What the line says in which it fails most, of those in which it is not steady if there are any."""
        return max(self.lines.values(), key=lambda each: (not each.flake.is_steady, each.flake.rate))

    @property
    def is_steady(self) -> bool:
        """Whether it is steady in each line that saw it fail: what passes in one line may fail in another."""
        return all(each.flake.is_steady for each in self.lines.values())

    @property
    def flaky_lines(self) -> list[str]:
        """The lines in which it is not steady; none for a project without lines."""
        return sorted(name for name, each in self.lines.items() if name and not each.flake.is_steady)

    @property
    def last_failed(self) -> str:
        """The last day on which it failed in any line."""
        return max(each.flake.last_failed for each in self.lines.values())


def find_project_flakes(ledger: Path, homes: Mapping[str, Path], newest: Mapping[str, Record]) -> list[ProjectFlake]:
    """Return the flaky tests that concern the project, the most frequent failure first.

    ``homes`` are the folders of the lines' days by name, ``newest`` their newest records, as far as there are any.
    Raises :class:`InfrastructureError` if the ledger cannot be read.
    """
    records = {name: read_records(home / "days") for name, home in homes.items()}
    found = dict[tuple[str, TestId], dict[str, DescribedFlake]]()
    for name, record in newest.items():
        others = (each for other, days in records.items() if other != name for each in days)
        for each in read_flakes(ledger, records[name], others):
            if _is_of_project(each, record) and (each.flake.last_failed or not name):
                found.setdefault((each.flake.gate, each.flake.test), {})[name] = each
    flakes = (ProjectFlake(lines=lines) for lines in found.values())
    return sorted(flakes, key=lambda each: -each.described.flake.rate)


def _is_of_project(described: DescribedFlake, newest: Record) -> bool:
    """Whether a flaky test concerns the project, and not only open tickets: these are told on their own pages."""
    open_tickets = {each.number for each in newest.tickets if each.verdict is not Verdict.ALREADY_MERGED}
    origins = described.flake.origin.credible
    return not origins or not all(each.ticket in open_tickets for each in origins)
