"""Answers the queries of the culprit searches by probes, and returns whom they blame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.culprits.finder import CulpritFinder, blames_to_act_on
from sessions.culprits.findings import Answer, Blame, Flaky, Query
from sessions.culprits.suspicion import suspicion
from sessions.day.build_evidence import read_builds
from sessions.day.context import Day
from sessions.day.decisions import some_tickets
from sessions.day.probe_outcomes import BUILD, called
from sessions.day.progress import Progress
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.gates.run_history import RunHistory
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.source.line import Queue
from sessions.source.merging import Candidate


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
        for name, failures in self.progress.failing.items():
            tests = tuple(failure.test for failure in failures)
            self.day.console.step(f"Who broke {len(tests)} test{'s' * (len(tests) != 1)} of {called(name)}?")
            gate, by_test = gate_called(self.day, name), {failure.test: failure for failure in failures}
            finder = self._finder(gate, tests)
            while queries := finder.queries():
                # All of them before it is asked again what to ask: so the way is the same however many run at once.
                self.day.console.expect(finder.least_remaining())
                batch = [(query, tuple(by_test[test] for test in tests)) for query, tests in queries]
                for (query, _), answers in zip(queries, self._answer(gate, batch), strict=True):
                    finder.learn(query, answers)
            found |= {(name, test): finding for test, finding in finder.findings().items()}
        for (name, test), finding in found.items():
            if isinstance(finding, Flaky):
                self.progress.flaky.setdefault(name, set()).add(test)
        return blames_to_act_on(found)

    def _finder(self, gate: Gate, tests: tuple[TestId, ...]) -> CulpritFinder[TestId]:
        """Return the search, with what is known before its first run. A build's log says where it failed."""
        head = self.progress.line.head
        line = [number for number in head.tickets if number not in self.retester.base(gate).tickets]
        histories = self.day.ledger.histories(head.tree, gate.name, tests)
        repeatable: dict[TestId, RunHistory] = {}
        if gate is BUILD:
            touched = {number: self._touched[number] for number in line}
            evidence = read_builds(self.day, self.retester.runner.cache, head, touched)
            suspects: Mapping[TestId, Mapping[int, float]] = dict.fromkeys(tests, evidence.suspicion)
            if evidence.repeatable and not any(history.odd for history in histories.values()):
                repeatable = dict.fromkeys(tests, evidence.repeatable)
        else:
            suspects = suspicion(self._touched, {test: self._file_of(gate, test) for test in tests})
        return CulpritFinder(
            line=line,
            needs=self.queue.needs,
            tests=tests,
            known=self.known.setdefault(gate.name, {}),
            suspicion=suspects,
            histories=histories,
            repeatable=repeatable,
        )

    def _answer(self, gate: Gate, queries: Sequence[tuple[Query, tuple[Failure, ...]]]) -> list[dict[TestId, Answer]]:
        """Answer queries, in order; unclear where tickets do not merge without the others."""
        looks: dict[int, Look] = {}
        for place, (query, failures) in enumerate(queries):
            numbers = {*query.tickets, *self.retester.base(gate).tickets}
            chosen = [ticket for ticket in self.progress.line.tickets if ticket.number in numbers]
            candidate = self.day.merger.combine(chosen)
            if isinstance(candidate, Candidate):
                # The second runs of the head and of the release decided that there is something to search for: a run
                # that had no say in that must confirm a blame. What it shows may be looked into: its build is kept.
                again = query.attempt > 1
                why = f"with {some_tickets(numbers)}{' again' if again else ''}"
                attempt = query.attempt + again
                looks[place] = Look(
                    candidate=candidate,
                    failures=failures,
                    attempt=attempt,
                    why=why,
                    purpose=Purpose.SEARCH,
                    keep=again,
                )
        shown = self.retester.look_at(gate, list(looks.values()), self.progress.line.head) if looks else []
        answers = dict(zip(looks, shown, strict=True))
        return [
            self.retester.certain(gate, failures, answers.get(place, {})) for place, (_, failures) in enumerate(queries)
        ]

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
