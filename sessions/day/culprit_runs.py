"""Runs the culprit searches of the failing tests, and returns whom they blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sessions.culprits.finder import CulpritFinder, blames_to_act_on
from sessions.culprits.findings import Blame, Finding, Flaky
from sessions.day.context import Day
from sessions.day.culprit_finders import CulpritFinders
from sessions.day.probe_outcomes import BUILD, called
from sessions.day.progress import Progress
from sessions.day.query_probes import QueryProbes
from sessions.day.retest import Retester
from sessions.gates.results import Failure, TestId
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.source.line import Queue


@dataclass(kw_only=True)
class CulpritRuns:
    """Searches for who broke the failing tests of ``progress``."""

    day: Day
    queue: Queue
    progress: Progress
    retester: Retester
    diffs: Mapping[int, Diff]

    @cached_property
    def finders(self) -> CulpritFinders:
        """Return the culprit searches, which keep all answers of the day."""
        return CulpritFinders(
            day=self.day,
            needs=self.queue.needs,
            progress=self.progress,
            retester=self.retester,
            diffs=self.diffs,
        )

    def find_blames(self) -> dict[tuple[str, TestId], Blame]:
        """Search the line for who broke each failing test, and return the blames to act on. Flaky tests are noted."""
        found: dict[tuple[str, TestId], Finding] = {}
        for name, failures in self.progress.failing.items():
            count = len(failures)
            self.day.console.step(f"Who broke {count} test{'s' * (count != 1)} of {called(name)}?")
            found |= {(name, test): finding for test, finding in self._search(name, failures).items()}
        for (name, test), finding in found.items():
            if isinstance(finding, Flaky):
                self.progress.flaky.setdefault(name, set()).add(test)
                if name == BUILD.name:
                    self.progress.note_chance(self.progress.failing[name])
        return blames_to_act_on(found)

    def _search(self, name: str, failures: tuple[Failure, ...]) -> dict[TestId, Finding]:
        """Return what the searches of a gate find. Where incremental builds turn out wrong, search again without."""
        if self.day.config.build.incremental and name not in self.progress.whole_builds:
            finder = self._run_finder(name, failures, incremental=True)
            if finder.is_borne_out():
                return finder.findings()
            why = "builds from the release do not bear out the incremental ones"
            self.day.console.detail(f"{called(name)}: {why}, so the search begins again without those")
            self.progress.whole_builds.add(name)
            self.finders.known.pop(name)
        return self._run_finder(name, failures, incremental=False).findings()

    def _run_finder(self, name: str, failures: tuple[Failure, ...], *, incremental: bool) -> CulpritFinder[TestId]:
        """Answer all queries of a gate's searches; the first contradiction ends those with incremental builds."""
        gate, by_test = gate_called(self.day, name), {failure.test: failure for failure in failures}
        probes = QueryProbes(day=self.day, progress=self.progress, retester=self.retester, incremental=incremental)
        finder = self.finders.finder(gate, failures)
        while queries := finder.queries():
            # All queries are answered before the next call: the course is the same however many run at once.
            self.day.console.expect(finder.least_remaining())
            batch = [(query, tuple(by_test[test] for test in tests)) for query, tests in queries]
            for (query, _), answers in zip(queries, probes.answer(gate, batch), strict=True):
                finder.learn(query, answers)
            if incremental and finder.is_contradicted():
                break
        return finder


def gate_called(day: Day, name: str) -> Gate:
    """Return the gate of this name, or the build."""
    return BUILD if name == BUILD.name else day.config.gate(name)
