"""Finds the green head: merge all tickets that fit, run the gates, take out who broke something, and repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.culprit_removal import CulpritRemoval
from sessions.day.culprit_runs import CulpritRuns
from sessions.day.head_comparison import HeadComparison
from sessions.day.head_gates import HeadGates
from sessions.day.line_selection import LineSelection
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress, size_of_head
from sessions.day.retest import Retester
from sessions.day.soak import Soak
from sessions.terminal.errors import GatePendingError


@dataclass(kw_only=True)
class GreenHead:
    """The search for the largest head of a queue that passes all gates; ``on_stage`` is told what comes next."""

    day: Day
    runner: ProbeRunner
    baselines: Baselines
    progress: Progress
    lines: LineSelection
    on_stage: Callable[[str], None] = lambda _stage: None

    def find(self) -> None:
        """Repeat until nothing new fails on the head, or no ticket is left.

        ``progress`` holds what was found. Raises the errors of :meth:`ProbeRunner.results`, except for gates that wait
        for another call: they are in ``progress.pending``.
        """
        while self.progress.line.tickets:
            self._examine()
            if self._removal.take_back():
                continue
            if not self.progress.failing:
                if self._soak.take_out():
                    continue
                return
            while self.progress.failing:
                self.on_stage("the culprits of what fails are searched for")
                before = self.progress.failing
                blames = self._search.find_blames()
                self._removal.take_out(blames, self._search.finders.known)
                if not blames and self.progress.failing == before:
                    if self._gates.takes_whole():
                        self.progress.failing = {}
                        break
                    return  # nobody can be shown to be the cause: the head is red

    def _examine(self) -> None:
        """Run the gates on the head, one after the other, up to the first at which something new fails.

        A gate never runs on a head that is known to be red. That costs a second run of the earlier gates where a
        later one takes a ticket out. In return, the search takes the same course whether a day is done in one call, in
        several that each run some gates, or was interrupted anywhere.
        """
        progress, line = self.progress, self.progress.line
        head = size_of_head(line.head)
        self.day.console.step(f"Gates on {head} ({line.head.commit[:10]})")
        progress.measured.clear()
        progress.pending.clear()
        for gate in self.day.config.gates:
            self.on_stage(f"{gate.name} runs on {head}")
            try:
                new = self._gates.new_failures(gate)
            except GatePendingError:
                progress.pending.add(gate.name)
                continue
            if new:
                progress.failing[new[0]] = new[1]
                return

    @cached_property
    def _retester(self) -> Retester:
        return Retester(runner=self.runner, baselines=self.baselines)

    @cached_property
    def _comparison(self) -> HeadComparison:
        return HeadComparison(
            retester=self._retester,
            progress=self.progress,
            diffs=self.lines.read_diffs(),
            hints=self.lines.hints,
        )

    @cached_property
    def _gates(self) -> HeadGates:
        return HeadGates.of(self.progress, self._retester, self._comparison)

    @cached_property
    def _search(self) -> CulpritRuns:
        return CulpritRuns(
            day=self.day,
            queue=self.lines.queue,
            progress=self.progress,
            retester=self._retester,
            diffs=self._comparison.diffs,
        )

    @cached_property
    def _soak(self) -> Soak:
        return Soak.of(self.lines, self.progress, self._retester, self._comparison.diffs)

    @cached_property
    def _removal(self) -> CulpritRemoval:
        return CulpritRemoval(day=self.day, lines=self.lines, progress=self.progress, retester=self._retester)
