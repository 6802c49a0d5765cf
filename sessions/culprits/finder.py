"""All culprit searches of a day together: each failing test has its own, and they share rounds and probes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from sessions.culprits.evidence import Repeatable
from sessions.culprits.findings import Answer, Blame, Finding, Query, Subset
from sessions.culprits.first_looks import is_borne_out, is_contradicted
from sessions.culprits.search import Search, search
from sessions.culprits.signatures import signature_rounds
from sessions.culprits.tally import Batch
from sessions.culprits.units import Units
from sessions.gates.run_history import RunHistory
from sessions.tickets.order import Needs

Test = TypeVar("Test", bound=Hashable)
TestQueries = tuple[tuple[Query, tuple[Test, ...]], ...]


@dataclass
class CulpritFinder(Generic[Test]):
    """Runs the searches for several failing tests on one merge line.

    Every search depends on its own answers only. So a finder that was interrupted continues from the answers alone, in
    whatever order, and asks the same however many queries run at once. Tests that are alike in all that a search
    knows share one search while they get the same answers: thousands of tests that one ticket breaks cost what one
    does. ``suspicion`` says per test how suspect tickets are (0 and above), ``histories`` what is known of a test.
    ``repeatable`` holds the tests that fail the same way each time, in runs that are dear, with the history that this
    is worth. ``together`` are the tickets without which a ticket is not merged: such a group is searched, proven and
    blamed as one.
    """

    line: Sequence[int]
    needs: Needs
    tests: Sequence[Test]
    known: dict[Query, dict[Test, Answer]] = field(default_factory=dict)
    suspicion: Mapping[Test, Mapping[int, float]] = field(default_factory=dict)
    histories: Mapping[Test, RunHistory] = field(default_factory=dict)
    repeatable: Mapping[Test, Repeatable] = field(default_factory=dict)
    together: Mapping[int, Collection[int]] = field(default_factory=dict)
    _units: Units = field(init=False, repr=False)
    _searches: list[_SharedSearch[Test]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._units = Units.of(self.line, self.needs, self.together)
        overall: dict[int, float] = {}
        for weights in self.suspicion.values():
            for number, weight in weights.items():
                overall[number] = overall.get(number, 0.0) + weight
        rounds = signature_rounds(self._units.line, self._units.needs, self._units.contract(overall))
        alike: dict[object, list[Test]] = {}
        for test in self.tests:
            suspects = frozenset(self.suspicion.get(test, {}).items())
            key = (suspects, self.histories.get(test), self.repeatable.get(test))
            alike.setdefault(key, []).append(test)
        self._searches = [_SharedSearch(partial(self._search, tests[0], rounds), tests) for tests in alike.values()]

    def findings(self) -> dict[Test, Finding]:
        """Return what the finished searches found."""
        searches = self._advance()
        return {test: self._units.finding(found) for test in self.tests if (found := searches[test].found)}

    def queries(self) -> TestQueries[Test]:
        """Return all queries that can run now, none of which waits for another, each with the tests to look at.

        The query that most searches wait for comes first. Empty when every search has ended. Where not all can run at
        once, run them one after the other before the next call: then the queries stay the same.
        """
        searches = self._advance()
        waiting: dict[Query, list[Test]] = {}
        for test in self.tests:
            for query in map(self._units.query, searches[test].batch):
                if test not in self.known.get(query, {}):
                    waiting.setdefault(query, []).append(test)
        queries = ((query, tuple(tests)) for query, tests in waiting.items())
        return tuple(sorted(queries, key=lambda each: -len(each[1])))

    def least_remaining(self) -> int:
        """Estimate how many probes are still to come, at least: those that can run now, and two to confirm."""
        at_once = len(self.queries())
        confirmed = all(search.step > 1 for search in self._searches if not search.found)
        return at_once + (0 if confirmed else 2)

    def is_contradicted(self) -> bool:
        """Whether a later run disagrees with the first look at the same tickets, for any test."""
        return any(is_contradicted(self._answers_of(test)) for test in self.tests)

    def is_borne_out(self) -> bool:
        """Whether all searches have ended, and later runs than the first looks show all that was found."""
        findings, whole = self.findings(), frozenset(self.line)
        return len(findings) == len(self.tests) and all(
            is_borne_out(found, whole, self._answers_of(test)) for test, found in findings.items()
        )

    def learn(self, query: Query, answers: Mapping[Test, Answer]) -> None:
        """Keep the answers of a probe."""
        self.known.setdefault(query, {}).update(answers)

    def _answers_of(self, test: Test) -> dict[Query, Answer]:
        return {query: answers[test] for query, answers in self.known.items() if test in answers}

    def _search(self, test: Test, rounds: Sequence[Subset]) -> Search:
        return search(
            self._units.line,
            self._units.needs,
            rounds=rounds,
            suspicion=self._units.contract(self.suspicion.get(test, {})),
            history=self.histories.get(test),
            repeatable=self.repeatable.get(test),
        )

    def _advance(self) -> dict[Test, _SharedSearch[Test]]:
        """Take each search as far as its answers lead, and return the search of each test."""
        moving, waiting = self._searches, list[_SharedSearch[Test]]()
        while moving:
            search = moving.pop()
            groups: dict[tuple[Answer, ...] | None, list[Test]] = {}
            for test in search.tests:
                groups.setdefault(self._answers(test, search.batch), []).append(test)
            for answers, tests in groups.items():
                branch = search if len(groups) == 1 else search.branch(tests)
                if answers:
                    branch.send(dict(zip(branch.batch, answers, strict=True)))
                (moving if answers else waiting).append(branch)
        self._searches = waiting
        return {test: search for search in waiting for test in search.tests}

    def _answers(self, test: Test, batch: Batch) -> tuple[Answer, ...] | None:
        """Return the answers to a batch; ``None`` until all are known."""
        queries = map(self._units.query, batch)
        answers = tuple(self.known[query][test] for query in queries if test in self.known.get(query, {}))
        return answers if batch and len(answers) == len(batch) else None


class _SharedSearch(Generic[Test]):
    """A search that some tests share: its current ``batch``, or what it ``found``."""

    def __init__(self, begin: Callable[[], Search], tests: list[Test]) -> None:
        self.tests = tests
        self.found: Finding | None = None
        self.batch: Batch = ()
        self.step = 0
        self._begin, self._sent = begin, list[Mapping[Query, Answer]]()
        self._search = begin()
        self._advance(None)

    def send(self, answers: Mapping[Query, Answer]) -> None:
        self._sent.append(answers)
        self._advance(answers)

    def branch(self, tests: list[Test]) -> _SharedSearch[Test]:
        """Return a search of their own for some of the tests, at the same step."""
        other = _SharedSearch(self._begin, tests)
        for answers in self._sent:
            other.send(answers)
        return other

    def _advance(self, answers: Mapping[Query, Answer] | None) -> None:
        try:
            self.batch = next(self._search) if answers is None else self._search.send(answers)
            self.step += 1
        except StopIteration as end:
            self.batch, self.found = (), end.value


def blames_to_act_on(findings: Mapping[Test, Finding]) -> dict[Test, Blame]:
    """Return the blames to act on now.

    A ticket that breaks a test only with a partner does no harm if that partner is taken out for another reason. Such
    a blame waits until the line was merged again without the partner.
    """
    blames = {test: found for test, found in findings.items() if isinstance(found, Blame)}
    leaving = {number for blame in blames.values() if not blame.partners for number in blame.culprits}
    return {test: blame for test, blame in blames.items() if not leaving & set(blame.partners)}
