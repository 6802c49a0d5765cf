"""Runs the culprit searches of the failing tests, and returns whom they blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.culprits.finder import CulpritFinder, blames_to_act_on
from sessions.culprits.findings import Answer, Blame, Flaky, Query
from sessions.culprits.suspicion import suspect_weights
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD, called
from sessions.day.progress import Progress
from sessions.day.query_probes import QueryProbes
from sessions.day.retest import Retester
from sessions.gates.results import TestId
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.source.line import Queue


@dataclass(kw_only=True)
class CulpritRuns:
    """Searches for who broke the failing tests of ``progress``. ``known`` are all answers so far, by gate."""

    day: Day
    queue: Queue
    progress: Progress
    retester: Retester
    diffs: Mapping[int, Diff]
    known: dict[str, dict[Query, dict[TestId, Answer]]] = field(default_factory=dict)

    def find_blames(self) -> dict[tuple[str, TestId], Blame]:
        """Search the line for who broke each failing test, and return the blames to act on. Flaky tests are noted."""
        found: dict[tuple[str, TestId], Blame | Flaky] = {}
        probes = QueryProbes(day=self.day, progress=self.progress, retester=self.retester)
        for name, failures in self.progress.failing.items():
            tests = tuple(failure.test for failure in failures)
            self.day.console.step(f"Who broke {len(tests)} test{'s' * (len(tests) != 1)} of {called(name)}?")
            gate, by_test = gate_called(self.day, name), {failure.test: failure for failure in failures}
            finder = CulpritFinder(
                line=[n for n in self.progress.line.head.tickets if n not in self.retester.base(gate).tickets],
                needs=self.queue.needs,
                tests=tests,
                known=self.known.setdefault(name, {}),
                suspicion=suspect_weights(self._touched, {test: self._file_of(gate, test) for test in tests}),
                histories=self.day.ledger.histories(self.progress.line.head.tree, name, tests),
            )
            while queries := finder.queries():
                # All queries are answered before the next call: the course is the same however many run at once.
                self.day.console.expect(finder.least_remaining())
                batch = [(query, tuple(by_test[test] for test in tests)) for query, tests in queries]
                for (query, _), answers in zip(queries, probes.answer(gate, batch), strict=True):
                    finder.learn(query, answers)
            found |= {(name, test): finding for test, finding in finder.findings().items()}
        for (name, test), finding in found.items():
            if isinstance(finding, Flaky):
                self.progress.flaky.setdefault(name, set()).add(test)
        return blames_to_act_on(found)

    def _file_of(self, gate: Gate, test: TestId) -> str:
        return (
            self.retester.runner.cache.files.locator(gate, self.progress.line.head.tree).locate(test.file) or test.file
        )

    @cached_property
    def _touched(self) -> dict[int, frozenset[str]]:
        """The files that each ticket of the queue changes."""
        return {number: diff.touched for number, diff in self.diffs.items()}


def gate_called(day: Day, name: str) -> Gate:
    """Return the gate of this name, or the build."""
    return BUILD if name == BUILD.name else day.config.gate(name)
