"""What the run records say about trees: their release and tickets, and the day on which a run was first used. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.ledger.record import Record
from sessions.reporting.flake_origin import Contents
from sessions.tickets.model import Verdict


@dataclass(frozen=True, kw_only=True)
class KnownTrees:
    """``contents`` by tree, ``dates`` by log and by tree, and ``releases``: their names, the oldest first.

    ``merged_from`` has, for each ticket that later days no longer list, the first later release.
    """

    contents: Mapping[str, Contents]
    dates: Mapping[str, str]
    releases: tuple[str, ...]
    merged_from: Mapping[int, int]

    @classmethod
    def of(cls, records: Sequence[Record]) -> KnownTrees:
        """Collect what the records of all days say, the oldest first."""
        places: dict[str, int] = {}
        names: list[str] = []
        contents: dict[str, Contents] = {}
        dates: dict[str, str] = {}
        listed: list[tuple[int, frozenset[int]]] = []
        for record in records:
            if record.base not in places:
                places[record.base] = len(names)
                names.append(record.release)
            place = places[record.base]
            merged = frozenset(each.number for each in record.tickets if each.verdict is Verdict.ALREADY_MERGED)
            listed.append((place, frozenset(each.number for each in record.tickets)))
            for probe in record.probes:
                contents.setdefault(probe.tree, Contents(place, merged | frozenset(probe.tickets)))
                dates.setdefault(probe.log, record.date)
                dates.setdefault(probe.tree, record.date)
        return cls(contents=contents, dates=dates, releases=tuple(names), merged_from=_merged_from(listed))

    def date_of(self, log: str, tree: str) -> str:
        """Return the day of a run, or else of the first run on its tree; empty if no record names them."""
        return self.dates.get(log) or self.dates.get(tree, "")


def _merged_from(listed: Sequence[tuple[int, frozenset[int]]]) -> dict[int, int]:
    """Return, for each ticket, the first release after the days that list it.

    ``listed`` has, for each day, the place of its release and the tickets that it lists.
    """
    newest = {ticket: at for at, (_, tickets) in enumerate(listed) for ticket in tickets}
    merged_from: dict[int, int] = {}
    for ticket, at in newest.items():
        later = [place for place, _ in listed[at + 1 :] if place > listed[at][0]]
        if later:
            merged_from[ticket] = min(later)
    return merged_from
