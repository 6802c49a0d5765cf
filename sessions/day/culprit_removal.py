"""Takes culprits out of the merge line, and finds out what still fails without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.culprits.findings import Answer, Blame, Query
from sessions.day.context import Day
from sessions.day.culprit_runs import gate_called
from sessions.day.decisions import Judge
from sessions.day.head_gates import size_of_head
from sessions.day.probe_outcomes import BUILD
from sessions.day.progress import Progress
from sessions.day.retest import Look, Retester
from sessions.gates.build_log import first_error
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose
from sessions.source.line import Queue, merge_line
from sessions.tickets.model import Breakage


@dataclass(frozen=True, kw_only=True)
class CulpritRemoval:
    """Takes culprits out of the line of ``progress``; ``progress.out`` then says why, and ``failing`` what is left."""

    day: Day
    queue: Queue
    progress: Progress
    retester: Retester

    def take_out(
        self, blames: Mapping[tuple[str, TestId], Blame], known: dict[str, dict[Query, dict[TestId, Answer]]]
    ) -> None:
        """Take the culprits out, merge again, and run the failing tests again. ``known`` are all answers, by gate."""
        judge = Judge(
            day=self.day,
            runner=self.retester.runner,
            queue=self.queue,
            failing=self.progress.failing,
            known=known,
            blames=blames,
        )
        for number in sorted({number for blame in blames.values() for number in blame.culprits}):
            self.progress.out[number] = judge.decision(number)
            self.day.console.detail(f"#{number} leaves: {self.progress.out[number].reason}")
        if blames:
            self.progress.line = merge_line(self.queue, self.day.merger, self.progress.out)
        if blames and BUILD.name in self.progress.failing:
            # Whether the build still fails, and where, shows when the gates run on the new head.
            self.progress.failing = {}
            return
        self.progress.failing = {
            name: left
            for name, failures in self.progress.failing.items()
            if self.progress.line.tickets and (left := self._still_failing(name, failures))
        }

    def take_back(self) -> bool:
        """Merge again the tickets that left for an error of the build that was seen to come by chance since."""
        back = sorted(
            number
            for number, decision in self.progress.out.items()
            if decision.broke and all(each.is_build and self._comes_by_chance(each) for each in decision.broke)
        )
        for number in back:
            del self.progress.out[number]
            self.day.console.detail(f"#{number} stays: the build fails with the same error by chance")
        if back:
            self.progress.failing = {}
            self.progress.line = merge_line(self.queue, self.day.merger, self.progress.out)
        return bool(back)

    def _comes_by_chance(self, breakage: Breakage) -> bool:
        return first_error(breakage.message) in self.progress.chance_errors

    def _still_failing(self, name: str, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        flaky = self.progress.flaky.get(name, set())
        left = [failure for failure in failures if failure.test not in flaky]
        if not left:
            return ()
        head = self.progress.line.head
        look = Look(candidate=head, failures=tuple(left), why=f"first, on {size_of_head(head)}", purpose=Purpose.HEAD)
        [answers] = self.retester.look_at(gate_called(self.day, name), [look], head)
        return tuple(failure for failure in left if answers[failure.test] == "fails")
