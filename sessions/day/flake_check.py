"""Check whether new failures are flaky: run them again on the head and on the release before any search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from sessions.culprits.evidence import is_new
from sessions.day.context import Day
from sessions.day.probe_outcomes import BUILD
from sessions.day.progress import Progress
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate

# Attempts from 1001 on are reserved for flake checks; a search counts its own from 1.
_MORE_LOOKS = 1001
# Those of whole runs, where runs of a part of the gate have not shown a failure.
_WHOLE_LOOKS = 1501
_FAILED_ONCE, _PASSED_ONCE = RunCounts(fails=1), RunCounts(passes=1)


@dataclass(frozen=True, kw_only=True)
class FlakeCheck:
    """Runs failing tests again until it is clear whether they are new or flaky.

    ``release_counts`` are the runs on the release, by gate, of tests that passed there in a later run only. ``varying``
    are the tests, by gate, that did different things in looks at the same tickets.
    """

    day: Day
    progress: Progress
    retester: Retester
    release_counts: Mapping[str, Mapping[TestId, RunCounts]] = field(default_factory=dict)
    varying: set[tuple[str, TestId]] = field(default_factory=set)

    def new_failures(
        self, gate: Gate, failures: Sequence[Failure], *, is_whole_run: bool = True
    ) -> tuple[Failure, ...]:
        """Return the failures that come again on the head and do not come on the release; the others are flaky.

        A test that was found flaky once today is not run again: no ticket leaves because of it. But what a whole run
        showed, and runs of a part of the gate show always or never, is only flaky if another whole run does not show
        it: a test may fail beside other tests only.
        """
        flaky = self.progress.flaky.setdefault(gate.name, set())
        suspects = tuple(failure for failure in failures if failure.test not in flaky)
        new = self._judge(gate, suspects, attempts=chain((2,), count(_MORE_LOOKS)))
        flaky.update(failure.test for failure in suspects if failure not in new)
        if gate is BUILD:
            self.progress.note_chance([failure for failure in suspects if failure not in new])
        elif not new and is_whole_run:
            steady = [failure for failure in failures if (gate.name, failure.test) not in self.varying]
            new = self._new_beside_others(gate, steady) if steady else ()
            flaky.difference_update(failure.test for failure in new)
        return new

    def _new_beside_others(self, gate: Gate, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        """Return the failures that only whole runs show; from then on, the gate always runs as a whole."""
        head = self.progress.line.head
        if not self.retester.runs_part(gate, failures, head):
            return ()
        self.retester.whole_only.add(gate.name)
        look = Look(
            candidate=head,
            failures=tuple(failures),
            attempt=_WHOLE_LOOKS,
            why="again as a whole, for flakes",
            purpose=Purpose.FLAKES,
        )
        [again] = self.retester.look_at(gate, [look], head)
        suspects = tuple(failure for failure in failures if again[failure.test] != "passes")
        new = self._judge(gate, suspects, attempts=count(_WHOLE_LOOKS + 1), seen=RunCounts(fails=2))
        if not new:
            self.retester.whole_only.discard(gate.name)
        return new

    def _judge(
        self, gate: Gate, suspects: tuple[Failure, ...], *, attempts: Iterable[int], seen: RunCounts = _FAILED_ONCE
    ) -> tuple[Failure, ...]:
        """Return which of the suspects are new, by looks with these attempts. ``seen`` counts earlier runs on the head.

        The earlier runs on the release count as well: mostly one, in which they passed.
        """
        tests = tuple(failure.test for failure in suspects)
        head = self.progress.line.head
        histories = self.day.ledger.histories(head.tree, gate.name, tests) if tests else {}
        # On the head and on the release.
        first = self.release_counts.get(gate.name, {})
        counts = {test: (seen, first.get(test, _PASSED_ONCE)) for test in tests}
        new = dict[TestId, bool | None]()
        for attempt in attempts:
            unclear = tuple(failure for failure in suspects if new.get(failure.test) is None)
            if not unclear:
                break
            for test, (here, before) in self._look_again(gate, unclear, attempt).items():
                counts[test] = counts[test][0] + here, counts[test][1] + before
                new[test] = is_new(*counts[test], histories.get(test, RunHistory()))
        for test, (here, before) in counts.items():
            then = first.get(test, _PASSED_ONCE)
            # Without the runs before the looks, which were of the whole gate.
            if (here.passes and here.fails > seen.fails) or (before.fails > then.fails and before.passes > then.passes):
                self.varying.add((gate.name, test))
        return tuple(failure for failure in suspects if new[failure.test])

    def _look_again(
        self, gate: Gate, failures: tuple[Failure, ...], attempt: int
    ) -> dict[TestId, tuple[RunCounts, RunCounts]]:
        """Return how each failing test ended in one more run on the head, and in one on the release."""
        head, why = self.progress.line.head, f"on {self.retester.baselines.name} again, for flakes"
        looks = (
            Look(candidate=head, failures=failures, attempt=attempt, why="again, for flakes", purpose=Purpose.FLAKES),
            Look(
                candidate=self.retester.base(gate), failures=failures, attempt=attempt, why=why, purpose=Purpose.FLAKES
            ),
        )
        again, before = self.retester.look_at(gate, looks, head)
        # A ticket may be why a test is hidden on the head, but not why it is hidden on the release.
        return {
            failure.test: (_counted(again[failure.test] == "passes"), _counted(before[failure.test] != "fails"))
            for failure in failures
        }


def _counted(passed: bool) -> RunCounts:
    return RunCounts(fails=not passed, passes=passed)
