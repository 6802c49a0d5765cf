"""All searches of a day together: each failing test has its own, and every probe answers all of them. Pure."""

from __future__ import annotations

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
        steps = {test: self._replay(test) for test in self.tests}
        return {test: step for test, step in steps.items() if not isinstance(step, Ask)}

    def question(self) -> tuple[Ask, tuple[Test, ...]] | None:
        """The probe to run next, and the tests to look at in it: all that are still searched for.

        ``None`` when every search has ended.
        """
        open_ = [(test, step) for test in self.tests if isinstance(step := self._replay(test), Ask)]
        if not open_:
            return None
        return open_[0][1], tuple(test for test, _ in open_)

    def learn(self, ask: Ask, answers: Mapping[Test, Answer]) -> None:
        """Take in what a probe showed."""
        self.known.setdefault(ask, {}).update(answers)

    def _replay(self, test: Test) -> Ask | Blame | Flaky:
        steps = search(self.line, self.needs)
        try:
            ask = next(steps)
            while (answer := self._answer(ask, test)) is not None:
                ask = steps.send(answer)
        except StopIteration as end:
            found: Blame | Flaky = end.value
            return found
        return ask

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
