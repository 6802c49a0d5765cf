"""The first commit of a line at which tests fail: bisection of many tests at once. Pure.

A branch's commits depend on each other in their order, so only starts of the line can be queried. Place -1 is the state
before the line, at which all tests pass; at the last place all of them fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sessions.culprits.findings import SearchAnswer
from sessions.gates.results import TestId


@dataclass(frozen=True, kw_only=True)
class Span:
    """A test passes at place ``low`` and fails at ``high``; the places between them, if any, could not be tested."""

    low: int
    high: int

    @property
    def is_one(self) -> bool:
        """Whether exactly one commit lies in the span."""
        return self.high - self.low == 1


@dataclass
class FirstBad:
    """Bisects a line of ``length`` commits: answer :meth:`queries` by :meth:`learn` until none is left."""

    length: int
    tests: Sequence[TestId]
    _spans: dict[TestId, Span] = field(init=False)
    _unclear: dict[TestId, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        self._spans = {test: Span(low=-1, high=self.length - 1) for test in self.tests}
        self._unclear = {test: set() for test in self.tests}

    def queries(self) -> dict[int, tuple[TestId, ...]]:
        """Return the places to test now, and the tests to run at each."""
        queries: dict[int, list[TestId]] = {}
        for test, span in self._spans.items():
            untried = [place for place in range(span.low + 1, span.high) if place not in self._unclear[test]]
            if untried:
                middle = min(untried, key=lambda place: (abs(2 * place - span.low - span.high), place))
                queries.setdefault(middle, []).append(test)
        return {place: tuple(tests) for place, tests in sorted(queries.items())}

    def learn(self, place: int, answers: Mapping[TestId, SearchAnswer]) -> None:
        """Keep what the tests did at a place."""
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
        """Return the span in which each test begins to fail."""
        return dict(self._spans)
