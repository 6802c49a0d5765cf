"""The first commit of a line at which tests fail: bisection of many tests at once. Pure.

A branch's own commits need each other in their order, so that only starts of the line can be asked about. Place -1 is
what comes before the line, on which all the tests pass; on the whole line all of them fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sessions.culprits.findings import Weighed
from sessions.gates.results import TestId


@dataclass(frozen=True, kw_only=True)
class Span:
    """A test passes at place ``low`` and fails at ``high``; at none between them it could be run, if there are any."""

    low: int
    high: int

    @property
    def is_one(self) -> bool:
        """Whether it is known at which place the test begins to fail."""
        return self.high - self.low == 1


@dataclass
class FirstBad:
    """The search in a line of so many places: ask :meth:`questions`, tell :meth:`learn`, until nothing is asked."""

    length: int
    tests: Sequence[TestId]
    _spans: dict[TestId, Span] = field(init=False)
    _unclear: dict[TestId, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._spans = {test: Span(low=-1, high=self.length - 1) for test in self.tests}
        self._unclear = {test: set() for test in self.tests}

    def questions(self) -> dict[int, tuple[TestId, ...]]:
        """Return the places to look at now, and the tests to run there."""
        wanted: dict[int, list[TestId]] = {}
        for test, span in self._spans.items():
            untried = [place for place in range(span.low + 1, span.high) if place not in self._unclear[test]]
            if untried:
                middle = min(untried, key=lambda place: (abs(2 * place - span.low - span.high), place))
                wanted.setdefault(middle, []).append(test)
        return {place: tuple(tests) for place, tests in sorted(wanted.items())}

    def learn(self, place: int, answers: Mapping[TestId, Weighed]) -> None:
        """Take in what tests do at a place."""
        for test, answer in answers.items():
            span = self._spans[test]
            match answer:
                case "fails":
                    self._spans[test] = Span(low=span.low, high=min(span.high, place))
                case "passes":
                    self._spans[test] = Span(low=max(span.low, place), high=span.high)
                case "unclear":
                    self._unclear[test].add(place)

    def found(self) -> dict[TestId, Span]:
        """Return where each test begins to fail."""
        return dict(self._spans)
