"""Finds the green head: merge all tickets that fit, run the gates, take out who broke something, and repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sessions.culprits.findings import Blame
from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.culprit_runs import CulpritRuns, gate_called
from sessions.day.decisions import Judge
from sessions.day.flake_check import FlakeCheck
from sessions.day.head_gates import HeadGates, size_of_head
from sessions.day.probe_outcomes import BUILD
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose
from sessions.source.diffs import Diff
from sessions.source.line import Queue, merge_line
from sessions.terminal.errors import GatePendingError


@dataclass(kw_only=True)
class GreenHead:
    """The search for the largest head of a queue that passes all gates."""

    day: Day
    queue: Queue
    runner: ProbeRunner
    baselines: Baselines
    progress: Progress

    def find(self) -> None:
        """Repeat until nothing new fails on the head, or no ticket is left.

        ``progress`` holds what was found. Raises what :meth:`ProbeRunner.results` raises, except for gates that wait
        for another call: they are in ``progress.pending``.
        """
        while self.progress.line.tickets:
            self._examine()
            if not self.progress.failing:
                return
            while self.progress.failing:
                before = self.progress.failing
                blames = self._search.find_blames()
                self._take_out(blames)
                if not blames and self.progress.failing == before:
                    return  # nobody can be shown to be the cause: the head is red

    def _examine(self) -> None:
        """Run the gates on the head, one after the other, up to the first at which something new fails.

        A gate never runs on a head that is known to be red. That costs a second run of the earlier gates where a
        later one takes a ticket out; and it makes the way to the green head the same, whether a day is done in one
        call, over several that each run some gates, or after having been killed anywhere.
        """
        progress, line = self.progress, self.progress.line
        self.day.console.step(f"Gates on the head with {len(line.tickets)} tickets ({line.head.commit[:10]})")
        progress.measured.clear()
        progress.pending.clear()
        for gate in self.day.config.gates:
            try:
                new = self._gates.new_failures(gate)
            except GatePendingError:
                progress.pending.add(gate.name)
                continue
            if new:
                progress.failing[new[0]] = new[1]
                return

    def _take_out(self, blames: Mapping[tuple[str, TestId], Blame]) -> None:
        """Take the culprits out, merge again, and see which of the failing tests still fail."""
        judge = Judge(
            day=self.day,
            runner=self.runner,
            queue=self.queue,
            failing=self.progress.failing,
            known=self._search.known,
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

    def _still_failing(self, name: str, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        flaky = self.progress.flaky.get(name, set())
        left = [failure for failure in failures if failure.test not in flaky]
        if not left:
            return ()
        head = self.progress.line.head
        look = Look(candidate=head, failures=tuple(left), why=f"first, on {size_of_head(head)}", purpose=Purpose.HEAD)
        [answers] = self._retester.look_at(gate_called(self.day, name), [look], head)
        return tuple(failure for failure in left if answers[failure.test] == "fails")

    @cached_property
    def _diffs(self) -> dict[int, Diff]:
        repository, base = self.day.mirror.repository, self.day.base.commit
        return {
            ticket.number: Diff(repository=repository, release=base, commit=ticket.commit)
            for ticket in self.queue.tickets
        }

    @cached_property
    def _retester(self) -> Retester:
        return Retester(runner=self.runner, baselines=self.baselines)

    @cached_property
    def _gates(self) -> HeadGates:
        flakes = FlakeCheck(day=self.day, progress=self.progress, retester=self._retester)
        return HeadGates(
            runner=self.runner, baselines=self.baselines, progress=self.progress, flakes=flakes, diffs=self._diffs
        )

    @cached_property
    def _search(self) -> CulpritRuns:
        return CulpritRuns(
            day=self.day, queue=self.queue, progress=self.progress, retester=self._retester, diffs=self._diffs
        )
