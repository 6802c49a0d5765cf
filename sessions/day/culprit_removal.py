"""Takes culprits out of the merge line, and finds out what still fails without them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sessions.culprits.findings import Answer, Blame, Query
from sessions.day.blamed_resolutions import drop_blamed
from sessions.day.context import Day
from sessions.day.culprit_runs import gate_called
from sessions.day.decisions import Judge, group_of
from sessions.day.line_selection import LineSelection
from sessions.day.probe_outcomes import BUILD
from sessions.day.progress import Apart, Progress, size_of_head
from sessions.day.retest import Look, Retester
from sessions.gates.results import Failure, TestId
from sessions.ledger.record import Purpose
from sessions.tickets.model import Verdict, name_tickets


@dataclass(frozen=True, kw_only=True)
class CulpritRemoval:
    """Takes culprits out of the line of ``progress``; ``progress.out`` then says why, and ``failing`` what is left."""

    day: Day
    lines: LineSelection
    progress: Progress
    retester: Retester

    def take_out(
        self, blames: Mapping[tuple[str, TestId], Blame], known: dict[str, dict[Query, dict[TestId, Answer]]]
    ) -> None:
        """Take the culprits out, merge again, and run the failing tests again. ``known`` are all answers, by gate.

        Where a resolution of a conflict is to blame, it is dropped instead, and the answers are forgotten: they are
        about candidates that are merged in another way from now on.
        """
        has_blames, dropped_before = bool(blames), len(self.day.merger.memory.dropped)
        blames = drop_blamed(self.day, self.lines.queue, blames)
        judge = Judge(
            day=self.day,
            retester=self.retester,
            queue=self.lines.queue,
            failing=self.progress.failing,
            known=known,
            blames=blames,
        )
        self._decide(blames.values(), judge)
        if len(self.day.merger.memory.dropped) > dropped_before:
            known.clear()
        if has_blames:
            self._merge_again()
        if has_blames and BUILD.name in self.progress.failing:
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
        back = self.progress.drop_chance_blames()
        for number in back:
            self.day.console.detail(f"{name_tickets([number])} stays: the build fails with the same error by chance")
        if back:
            self.progress.failing = {}
            self.progress.line = self.lines.merge(self.progress.out, self.progress.apart)
        return bool(back)

    def _decide(self, blames: Collection[Blame], judge: Judge) -> None:
        """Take out each culprit; of tickets that break a test together, leave the choice to the best set."""
        chooses = self.day.config.select == "best"
        groups = {group_of(blame) for blame in blames} - {frozenset()} if chooses else set()
        alone = {number for blame in blames if group_of(blame) not in groups for number in blame.culprits}
        for number in sorted(alone):
            self.progress.out[number] = judge.decision(number)
        for group in sorted(groups, key=sorted):
            decisions = {number: judge.decision(number, group) for number in sorted(group)}
            self.progress.apart.append(Apart(tickets=group, decisions=decisions))

    def _merge_again(self) -> None:
        before = {ticket.number for ticket in self.progress.line.tickets}
        self.progress.line = self.lines.merge(self.progress.out, self.progress.apart)
        for number in sorted(before):
            decision = self.progress.line.decisions[number]
            if decision.verdict is Verdict.CULPRIT:
                self.day.console.detail(f"{name_tickets([number])} leaves: {decision.reason}")

    def _still_failing(self, name: str, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        flaky = self.progress.flaky.get(name, set())
        left = [failure for failure in failures if failure.test not in flaky]
        if not left:
            return ()
        head = self.progress.line.head
        why = f"first, on {size_of_head(head)}"
        look = Look(candidate=head, failures=tuple(left), why=why, purpose=Purpose.HEAD, keep=True)
        [answers] = self.retester.look_at(gate_called(self.day, name), [look], head)
        return tuple(failure for failure in left if answers[failure.test] == "fails")
