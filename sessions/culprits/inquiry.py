"""All searches of a day together: each failing test has its own, and every probe answers all of them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sessions.culprits.search import Answer, Ask, Blame, Flaky, search
from sessions.tickets.order import Needs

Test = TypeVar("Test", bound=Hashable)


@dataclass
class Inquiry(Generic[Test]):
    """The searches for several failing tests on one merge line.

    A search is replayed from what is known whenever anything new is learnt; nothing else is remembered, so an
    inquiry that was cut short needs only its answers back.
    """

    line: Sequence[int]
    needs: Needs
    tests: Sequence[Test]
    known: dict[Ask, dict[Test, Answer]] = field(default_factory=dict)

    def findings(self) -> dict[Test, Blame | Flaky]:
        """What the finished searches found."""
        steps = {test: self._replay(test)[0] for test in self.tests}
        return {test: step for test, step in steps.items() if not isinstance(step, Ask)}

    def question(self) -> tuple[Ask, tuple[Test, ...]] | None:
        """The probe to run next, and the tests to look at in it: all that are still searched for.

        The probe that most searches wait for comes first. ``None`` when every search has ended.
        """
        open_ = {test: step for test in self.tests if isinstance(step := self._replay(test)[0], Ask)}
        if not open_:
            return None
        ask = Counter(open_.values()).most_common(1)[0][0]
        return ask, tuple(test for test in open_ if test not in self.known.get(ask, {}))

    def outlook(self) -> int:
        """About how many probes are still to come: those of the search that has furthest to go, if it is alone.

        A bisection, the culprit alone, and both runs that confirm it; searches share most probes, partners and
        unclear subsets cost more.
        """
        whole = math.ceil(math.log2(len(self.line) + 1)) + 3
        steps = [self._replay(test) for test in self.tests]
        return max((max(1, whole - done) for step, done in steps if isinstance(step, Ask)), default=0)

    def learn(self, ask: Ask, answers: Mapping[Test, Answer]) -> None:
        """Take in what a probe showed."""
        self.known.setdefault(ask, {}).update(answers)

    def _replay(self, test: Test) -> tuple[Ask | Blame | Flaky, int]:
        """Where a search stands, after how many answers."""
        steps = search(self.line, self.needs, lambda subset: self._answer(Ask(tickets=subset), test))
        done = 0
        try:
            ask = next(steps)
            while (answer := self._answer(ask, test)) is not None:
                ask, done = steps.send(answer), done + 1
        except StopIteration as end:
            found: Blame | Flaky = end.value
            return found, done
        return ask, done

    def _answer(self, ask: Ask, test: Test) -> Answer | None:
        if not ask.tickets:
            return "passes"  # the release itself: else the failure would not be new
        if ask == Ask(tickets=frozenset(self.line)):
            return "fails"  # where the search began
        return self.known.get(ask, {}).get(test)


def settle(findings: Mapping[Test, Blame | Flaky]) -> dict[Test, Blame]:
    """The blames to act on now.

    A ticket that breaks a test only with a partner does no harm where that partner leaves for another reason: such
    blames wait until the line was merged again without the partner.
    """
    blames = {test: found for test, found in findings.items() if isinstance(found, Blame)}
    leaving = {number for blame in blames.values() if not blame.partners for number in blame.culprits}
    return {test: blame for test, blame in blames.items() if not leaving & set(blame.partners)}
