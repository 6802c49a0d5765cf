"""All searches of a day together: each failing test has its own, and they share rounds and probes. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sessions.culprits.findings import Answer, Ask, Blame, Flaky
from sessions.culprits.search import Batch, Search, search
from sessions.culprits.signatures import signature_rounds
from sessions.gates.results import History
from sessions.tickets.order import Needs

Test = TypeVar("Test", bound=Hashable)
Questions = tuple[tuple[Ask, tuple[Test, ...]], ...]


@dataclass
class Inquiry(Generic[Test]):
    """The searches for several failing tests on one merge line.

    Every search is a function of its own answers. So an inquiry that was cut short needs only its answers back, in
    whatever order, and its way does not depend on how many questions are asked at once. ``suspicion`` says per test
    how suspect tickets are (0 and above), ``histories`` what is known of a test from before.
    """

    line: Sequence[int]
    needs: Needs
    tests: Sequence[Test]
    known: dict[Ask, dict[Test, Answer]] = field(default_factory=dict)
    suspicion: Mapping[Test, Mapping[int, float]] = field(default_factory=dict)
    histories: Mapping[Test, History] = field(default_factory=dict)
    _ways: dict[Test, _Way] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        everybody: dict[int, float] = {}
        for suspects in self.suspicion.values():
            for number, weight in suspects.items():
                everybody[number] = everybody.get(number, 0.0) + weight
        rounds = signature_rounds(self.line, self.needs, everybody)
        self._ways = {
            test: _Way(
                search(
                    self.line,
                    self.needs,
                    rounds=rounds,
                    suspicion=self.suspicion.get(test),
                    history=self.histories.get(test),
                )
            )
            for test in self.tests
        }

    def findings(self) -> dict[Test, Blame | Flaky]:
        """What the finished searches found."""
        self._go_on()
        return {test: way.found for test, way in self._ways.items() if way.found}

    def questions(self) -> Questions[Test]:
        """All probes that can run now, none of which waits for another, and the tests to look at in each.

        The probe that most searches wait for comes first. Empty when every search has ended. Where not all fit at
        once, ask them all, one after the other, before asking again what to ask: then the probes are the same ones.
        """
        self._go_on()
        wanted: dict[Ask, list[Test]] = {}
        for test, way in self._ways.items():
            for ask in way.batch:
                if test not in self.known.get(ask, {}):
                    wanted.setdefault(ask, []).append(test)
        return tuple(sorted(((ask, tuple(tests)) for ask, tests in wanted.items()), key=lambda each: -len(each[1])))

    def outlook(self) -> int:
        """About how many probes are still to come, at least: what can be asked now, and two runs to confirm it."""
        at_once = len(self.questions())
        confirmed = all(way.step > 1 for way in self._ways.values() if not way.found)
        return at_once + (0 if confirmed else 2)

    def learn(self, ask: Ask, answers: Mapping[Test, Answer]) -> None:
        """Take in what a probe showed."""
        self.known.setdefault(ask, {}).update(answers)

    def _go_on(self) -> None:
        for test, way in self._ways.items():
            while way.batch and all(test in self.known.get(ask, {}) for ask in way.batch):
                way.tell({ask: self.known[ask][test] for ask in way.batch})


@dataclass
class _Way:
    """How far one search has come: what it asks now, or what it found."""

    search: Search
    batch: Batch = ()
    found: Blame | Flaky | None = None
    step: int = 0

    def __post_init__(self) -> None:
        self._move(None)

    def tell(self, answers: Mapping[Ask, Answer]) -> None:
        self._move(answers)

    def _move(self, answers: Mapping[Ask, Answer] | None) -> None:
        try:
            self.batch = next(self.search) if answers is None else self.search.send(answers)
            self.step += 1
        except StopIteration as end:
            self.batch, self.found = (), end.value


def settle(findings: Mapping[Test, Blame | Flaky]) -> dict[Test, Blame]:
    """The blames to act on now.

    A ticket that breaks a test only with a partner does no harm where that partner leaves for another reason: such
    blames wait until the line was merged again without the partner.
    """
    blames = {test: found for test, found in findings.items() if isinstance(found, Blame)}
    leaving = {number for blame in blames.values() if not blame.partners for number in blame.culprits}
    return {test: blame for test, blame in blames.items() if not leaving & set(blame.partners)}
