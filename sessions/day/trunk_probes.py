"""Run tests at commits of the branch that the tickets start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sessions.culprits.findings import Answer
from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.probe_runner import ProbeRunner
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.source.trunk import Trunk

# The number of a run: the bisection's, or the independent one that must confirm it.
FIRST, AGAIN = 1, 2


@dataclass(frozen=True, kw_only=True)
class TrunkProbes:
    """Runs tests at places of the branch's line, which are indexes of ``trunk.line``; a negative one is the release."""

    day: Day
    trunk: Trunk
    release: Baselines
    start: Candidate
    runner: ProbeRunner

    def run(
        self, gate: Gate, places: Mapping[int, tuple[Failure, ...]], attempt: int
    ) -> dict[int, dict[TestId, Answer]]:
        """Run tests at places of the line, all at once; unclear if a commit does not merge with the release."""
        looks: dict[int, Look] = {}
        for place, failures in places.items():
            if candidate := self._candidate(place):
                why = f"on {self.name(place)}{' again' if attempt == AGAIN else ''}"
                looks[place] = Look(
                    candidate=candidate, failures=failures, attempt=attempt, why=why, purpose=Purpose.SEARCH
                )
        answers = dict(zip(looks, self._retester.look_at(gate, list(looks.values()), self.start), strict=True))
        return {
            place: self._retester.certain(gate, failures, answers.get(place, {})) for place, failures in places.items()
        }

    def _candidate(self, place: int) -> Candidate | None:
        if place < 0:
            return self.day.merger.bare
        merged = self.day.merger.with_branch(self.trunk.line[place], f"{self.trunk.name} {self.trunk.line[place][:10]}")
        return merged if isinstance(merged, Candidate) else None

    def name(self, place: int) -> str:
        """Return the short name of a commit or of the release."""
        return self.trunk.line[place][:10] if place >= 0 else self.trunk.since

    @cached_property
    def _retester(self) -> Retester:
        return Retester(runner=self.runner, baselines=self.release)
