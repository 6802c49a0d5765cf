"""Check whether new failures are flaky: run them again on the head and on the release before any search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class FlakeCheck:
    """Runs failing tests again until it is clear whether they are new or flaky."""

    day: Day
    progress: Progress
    retester: Retester

    def new_failures(self, gate: Gate, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        """Return the failures that come again on the head and do not come on the release; the others are flaky.

        A test that was found flaky once today is not run again: no ticket leaves because of it.
        """
        flaky = self.progress.flaky.setdefault(gate.name, set())
        suspects = tuple(failure for failure in failures if failure.test not in flaky)
        tests = tuple(failure.test for failure in suspects)
        head, base = self.progress.line.head, self.retester.base(gate)
        histories = self.day.ledger.histories(head.tree, gate.name, tests) if tests else {}
        # On the head and on the release, with the first run of each.
        counts = {test: [RunCounts(fails=1), RunCounts(passes=1)] for test in tests}
        new, attempt = dict[TestId, bool | None](), 2
        alone = f"on {self.retester.baselines.name} again, for flakes"
        while unclear := tuple(failure for failure in suspects if new.get(failure.test) is None):
            looks_again = (
                Look(
                    candidate=head, failures=unclear, attempt=attempt, why="again, for flakes", purpose=Purpose.FLAKES
                ),
                Look(candidate=base, failures=unclear, attempt=attempt, why=alone, purpose=Purpose.FLAKES),
            )
            again, before = self.retester.look_at(gate, looks_again, head)
            for failure in unclear:
                test = failure.test
                # A ticket may be why a test is hidden on the head, but not why it is hidden on the release.
                passes = again[test] == "passes", before[test] != "fails"
                for place, passed in enumerate(passes):
                    counts[test][place] += RunCounts(fails=not passed, passes=passed)
                new[test] = is_new(counts[test][0], counts[test][1], histories.get(test, RunHistory()))
            attempt = attempt + 1 if attempt > 2 else _MORE_LOOKS
        flaky.update(test for test in tests if not new[test])
        if gate is BUILD:
            self.progress.note_chance([failure for failure in suspects if not new[failure.test]])
        return tuple(failure for failure in failures if new.get(failure.test))
