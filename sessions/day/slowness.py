"""Measure which test files are slower on a green head than on the release, and which tickets make them so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sessions.culprits.slowness import Pace, Versus, find_slowing
from sessions.day.decisions import some_tickets
from sessions.day.probe_share import seconds_left
from sessions.day.progress import Progress, size_of_head
from sessions.day.retest import Retester
from sessions.day.slowness_evidence import recorded_slowdown, with_slow_remarks
from sessions.day.slowness_pairs import Paced, SlownessPairs
from sessions.day.slowness_scope import affordable, suspect_files
from sessions.ledger.record import Purpose, RecordedSlowdown
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError
from sessions.terminal.phrases import counted
from sessions.tickets.model import name_tickets
from sessions.tickets.order import Needs, closure

_SHARE = "the share of the day that [[gates]] soak_share grants was used up, or the times vary too much"


@dataclass(frozen=True, kw_only=True)
class Slowness:
    """What it finds is in ``progress.slowdowns``; it takes no ticket out. ``needs`` are what each ticket needs."""

    progress: Progress
    retester: Retester
    needs: Needs

    def judge(self) -> None:
        """Judge each gate with ``slower`` on a green head; if the budget ends or a machine is in trouble, stop."""
        day, progress = self.retester.baselines.day, self.progress
        if progress.failing or not progress.line.tickets:
            return
        for gate in day.config.gates:
            if gate.slower and gate.name in progress.measured:
                try:
                    self._judge(gate)
                except (BudgetEndedError, GatePendingError, InfrastructureError) as error:
                    progress.pace_unknown[gate.name] = str(error).rstrip(".")
                    day.console.bad(f"Slower files of {gate.name} are not known: {progress.pace_unknown[gate.name]}")
        progress.line = with_slow_remarks(progress.slowdowns, progress.line)

    def _judge(self, gate: Gate) -> None:
        measured, head = self.progress.measured[gate.name], self.progress.line.head
        files = suspect_files(measured.release, measured.head)
        if not files:
            return
        console, runner = self.retester.baselines.day.console, self.retester.runner
        share = seconds_left(runner, gate, Purpose.SLOWNESS) / 2  # the other half is for the search
        tried = affordable(files, measured.release, measured.head, share)
        console.step(f"Pace: {counted(len(tried), 'file')} of {gate.name} in pairs, on the release and on the head")
        pairs = SlownessPairs(runner=runner, gate=gate)
        found = dict.fromkeys(files, Paced()) | pairs.judge(
            tried, head, self.retester.base(gate), f"pace of {size_of_head(head)}"
        )
        if unclear := [file for file in files if found[file].pace is Pace.UNCLEAR]:
            self.progress.pace_unknown[gate.name] = f"{counted(len(unclear), 'file')} could not be judged, as {_SHARE}"
        for file in files:
            if found[file].pace is Pace.SLOWER:
                slowdown = self._with_tickets(pairs, recorded_slowdown(gate.name, file, found[file].logs))
                self.progress.slowdowns[gate.name] = (*self.progress.slowdowns.get(gate.name, ()), slowdown)
                by = f" with {name_tickets(slowdown.tickets)}" if slowdown.tickets else ""
                console.detail(f"{file} takes {slowdown.ratio:.2f} times as long{by}")

    def _with_tickets(self, pairs: SlownessPairs, slowdown: RecordedSlowdown) -> RecordedSlowdown:
        """Return a slowdown with the tickets that bring it, and their evidence, if that can be shown."""
        base = frozenset(self.retester.base(pairs.gate).tickets)
        search = find_slowing(
            [number for number in self.progress.line.head.tickets if number not in base],
            lambda numbers: closure(frozenset(numbers), self.needs) - base,
        )
        versus, paced, tickets = Versus(with_=frozenset()), Paced(), tuple[int, ...]()
        try:
            versus = next(search)
            while True:
                paced = self._compare(pairs, slowdown.file, versus, base)
                versus = search.send(paced.pace)
        except StopIteration as end:
            tickets = end.value
        if not tickets:
            return slowdown
        alone = self.retester.baselines.alone
        shown = recorded_slowdown(slowdown.gate, slowdown.file, paced.logs)
        with_, without = (some_tickets(numbers | base, alone) for numbers in (versus.with_, versus.without))
        evidence = (
            f"{shown.ratio:.2f} times as long, {shown.low:.2f} to {shown.high:.2f}, in {shown.runs} runs each way: "
            f"with {with_}, and with {without}"
        )
        return replace(slowdown, tickets=tickets, evidence=(evidence,))

    def _compare(self, pairs: SlownessPairs, file: str, versus: Versus, base: frozenset[int]) -> Paced:
        with_, without = (self._candidate(numbers | base) for numbers in (versus.with_, versus.without))
        if with_ is None or without is None:
            return Paced()
        alone = self.retester.baselines.alone
        return pairs.judge((file,), with_, without, f"pace with {some_tickets(with_.tickets, alone)}")[file]

    def _candidate(self, numbers: frozenset[int]) -> Candidate | None:
        """Return the release with some tickets; ``None`` if they do not merge."""
        merged = self.retester.baselines.day.merger.combine(
            each for each in self.progress.line.tickets if each.number in numbers
        )
        return merged if isinstance(merged, Candidate) else None
