"""Opens the culprit search of a gate, with all that is known before its first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.culprits.finder import CulpritFinder
from sessions.culprits.findings import Answer, Query
from sessions.day.build_evidence import read_builds
from sessions.day.context import Day
from sessions.day.document_evidence import repeatable_errors, suspects_by_words
from sessions.day.probe_outcomes import BUILD
from sessions.day.progress import Progress
from sessions.day.retest import Retester
from sessions.day.suspects import suspect_tickets
from sessions.gates.results import Failure, TestId
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff


@dataclass(kw_only=True)
class CulpritFinders:
    """The searches of the line of ``progress``.

    ``needs`` are the tickets that each ticket needs, ``known`` all answers so far, by gate.
    """

    day: Day
    needs: Mapping[int, frozenset[int]]
    progress: Progress
    retester: Retester
    diffs: Mapping[int, Diff]
    known: dict[str, dict[Query, dict[TestId, Answer]]] = field(default_factory=dict)

    def finder(self, gate: Gate, failures: tuple[Failure, ...]) -> CulpritFinder[TestId]:
        """Return the search, with what is known before its first run. A build's log says where it failed."""
        tests = tuple(failure.test for failure in failures)
        head = self.progress.line.head
        line = [number for number in head.tickets if number not in self.retester.base(gate).tickets]
        histories = self.day.ledger.histories(head.tree, gate.name, tests)
        if gate is BUILD:
            touched = {number: self._touched[number] for number in line}
            out = self.progress.out.values()
            evidence = read_builds(self.day, self.retester.runner.cache, head, touched, out)
            suspects: Mapping[TestId, Mapping[int, float]] = dict.fromkeys(tests, evidence.suspicion)
            repeatable = dict.fromkeys(tests, evidence.repeatable) if evidence.repeatable else {}
            if any(history.odd for history in histories.values()):
                repeatable = {}
        else:
            cache = self.retester.runner.cache
            suspects = suspect_tickets(cache.files, gate, failures, head.tree, self._touched)
            repeatable = repeatable_errors(cache, head, gate, failures)
            written = suspects_by_words((each for each in failures if each.test in repeatable), self._diffs_of(line))
            suspects = {test: weights | written.get(test, {}) for test, weights in suspects.items()}
            repeatable = {test: worth for test, worth in repeatable.items() if not histories[test].odd}
        return CulpritFinder(
            line=line,
            needs=self.needs,
            tests=tests,
            known=self.known.setdefault(gate.name, {}),
            suspicion=suspects,
            histories=histories,
            repeatable=repeatable,
            together={ticket.number: ticket.together for ticket in self.progress.line.tickets},
        )

    def _diffs_of(self, line: Sequence[int]) -> dict[int, Diff]:
        return {number: self.diffs[number] for number in line}

    @cached_property
    def _touched(self) -> dict[int, frozenset[str]]:
        """The files that each ticket of the queue changes."""
        return {number: diff.touched for number, diff in self.diffs.items()}
