"""All searches of a day together: each failing test has its own, and they share rounds and probes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from sessions.culprits.findings import Answer, Ask, Blame, Flaky, Subset
from sessions.culprits.search import Batch, Search, search
from sessions.culprits.signatures import signature_rounds
from sessions.gates.results import RunHistory
from sessions.tickets.order import Needs

Test = TypeVar("Test", bound=Hashable)
Questions = tuple[tuple[Ask, tuple[Test, ...]], ...]


@dataclass
class Inquiry(Generic[Test]):
    """The searches for several failing tests on one merge line.

    Every search is a function of its own answers. So an inquiry that was cut short needs only its answers back, in
    whatever order, and its way does not depend on how many questions are asked at once. Tests that are alike in all
    that a search knows share one, for as long as they get the same answers: thousands that one ticket breaks cost
    what one does. ``suspicion`` says per test how suspect tickets are (0 and above), ``histories`` what is known of a
    test from before.
    """

    line: Sequence[int]
    needs: Needs
    tests: Sequence[Test]
    known: dict[Ask, dict[Test, Answer]] = field(default_factory=dict)
    suspicion: Mapping[Test, Mapping[int, float]] = field(default_factory=dict)
    histories: Mapping[Test, RunHistory] = field(default_factory=dict)
    _ways: list[_Way[Test]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        everybody: dict[int, float] = {}
        for suspects in self.suspicion.values():
            for number, weight in suspects.items():
                everybody[number] = everybody.get(number, 0.0) + weight
        rounds = signature_rounds(self.line, self.needs, everybody)
        alike: dict[object, list[Test]] = {}
        for test in self.tests:
            key = (frozenset(self.suspicion.get(test, {}).items()), self.histories.get(test))
            alike.setdefault(key, []).append(test)
        self._ways = [_Way(partial(self._search, tests[0], rounds), tests) for tests in alike.values()]

    def findings(self) -> dict[Test, Blame | Flaky]:
        """What the finished searches found."""
        ways = self._go_on()
        return {test: found for test in self.tests if (found := ways[test].found)}

    def questions(self) -> Questions[Test]:
        """All probes that can run now, none of which waits for another, and the tests to look at in each.

        The probe that most searches wait for comes first. Empty when every search has ended. Where not all fit at
        once, ask them all, one after the other, before asking again what to ask: then the probes are the same ones.
        """
        ways = self._go_on()
        wanted: dict[Ask, list[Test]] = {}
        for test in self.tests:
            for ask in ways[test].batch:
                if test not in self.known.get(ask, {}):
                    wanted.setdefault(ask, []).append(test)
        return tuple(sorted(((ask, tuple(tests)) for ask, tests in wanted.items()), key=lambda each: -len(each[1])))

    def outlook(self) -> int:
        """About how many probes are still to come, at least: what can be asked now, and two runs to confirm it."""
        at_once = len(self.questions())
        confirmed = all(way.step > 1 for way in self._ways if not way.found)
        return at_once + (0 if confirmed else 2)

    def learn(self, ask: Ask, answers: Mapping[Test, Answer]) -> None:
        """Take in what a probe showed."""
        self.known.setdefault(ask, {}).update(answers)

    def _search(self, test: Test, rounds: Sequence[Subset]) -> Search:
        suspicion, history = self.suspicion.get(test), self.histories.get(test)
        return search(self.line, self.needs, rounds=rounds, suspicion=suspicion, history=history)

    def _go_on(self) -> dict[Test, _Way[Test]]:
        """Take each search as far as its answers lead; which one each test is in."""
        moving, resting = self._ways, list[_Way[Test]]()
        while moving:
            way = moving.pop()
            parts: dict[tuple[Answer, ...] | None, list[Test]] = {}
            for test in way.tests:
                parts.setdefault(self._answers(test, way.batch), []).append(test)
            for told, tests in parts.items():
                branch = way if len(parts) == 1 else way.branch(tests)
                if told:
                    branch.tell(dict(zip(branch.batch, told, strict=True)))
                (moving if told else resting).append(branch)
        self._ways = resting
        return {test: way for way in resting for test in way.tests}

    def _answers(self, test: Test, batch: Batch) -> tuple[Answer, ...] | None:
        """What is known of all that a search asks; nothing where it is not known of everything."""
        told = tuple(self.known[ask][test] for ask in batch if test in self.known.get(ask, {}))
        return told if batch and len(told) == len(batch) else None


class _Way(Generic[Test]):
    """How far the search that some tests share has come: what it asks now, or what it found."""

    def __init__(self, begin: Callable[[], Search], tests: list[Test]) -> None:
        self.tests = tests
        self.found: Blame | Flaky | None = None
        self.batch: Batch = ()
        self.step = 0
        self._begin, self._told = begin, list[Mapping[Ask, Answer]]()
        self._search = begin()
        self._move(None)

    def tell(self, answers: Mapping[Ask, Answer]) -> None:
        self._told.append(answers)
        self._move(answers)

    def branch(self, tests: list[Test]) -> _Way[Test]:
        """A search of their own for some of the tests, as far as this one."""
        other = _Way(self._begin, tests)
        for answers in self._told:
            other.tell(answers)
        return other

    def _move(self, answers: Mapping[Ask, Answer] | None) -> None:
        try:
            self.batch = next(self._search) if answers is None else self._search.send(answers)
            self.step += 1
        except StopIteration as end:
            self.batch, self.found = (), end.value


def blames_to_act_on(findings: Mapping[Test, Blame | Flaky]) -> dict[Test, Blame]:
    """The blames to act on now.

    A ticket that breaks a test only with a partner does no harm where that partner leaves for another reason: such
    blames wait until the line was merged again without the partner.
    """
    blames = {test: found for test, found in findings.items() if isinstance(found, Blame)}
    leaving = {number for blame in blames.values() if not blame.partners for number in blame.culprits}
    return {test: blame for test, blame in blames.items() if not leaving & set(blame.partners)}
