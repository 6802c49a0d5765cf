"""Soak a green head: run the test files that tickets add or change often, and find who brings flaky tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sessions.day.line_selection import LineSelection
from sessions.day.progress import Progress
from sessions.day.retest import Retester
from sessions.day.soak_head import HeadSoak
from sessions.day.soak_judging import SoakJudging
from sessions.day.soak_memory import SoakMemory
from sessions.day.soak_refusal import refused_tickets, say_brought, say_refused, with_remarks
from sessions.day.soak_scope import find_scope
from sessions.day.soak_sources import SoakSources
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError


@dataclass(frozen=True, kw_only=True)
class Soak:
    """The soak of a day: what it found is in ``progress.soaks``. ``diffs`` are those of the queue's tickets."""

    lines: LineSelection
    progress: Progress
    sources: SoakSources
    diffs: Mapping[int, Diff]

    @classmethod
    def of(cls, lines: LineSelection, progress: Progress, retester: Retester, diffs: Mapping[int, Diff]) -> Soak:
        """Return the soak of a day's head."""
        sources = SoakSources.of(progress, retester, lines.queue.needs)
        return cls(lines=lines, progress=progress, sources=sources, diffs=diffs)

    def take_out(self) -> bool:
        """Soak each gate, and take tickets out that bring a flaky test, where that is configured.

        Returns whether any left; then the rest is merged again. Where tickets are only to be told, a budget that ends
        and a machine in trouble end the soak and not the day.
        """
        gates = self.lines.day.config.gates
        for gate in gates:
            if gate.soak != "off" and gate.name in self.progress.measured:
                self._soak(gate)
        strict = [gate.name for gate in gates if gate.soak == "refuse"]
        refused = refused_tickets(self.progress.soaks, strict, self.progress.line)
        brought = [] if refused else say_brought(self.progress.soaks, self.progress.line)
        for sentence in (*say_refused(refused), *brought):
            self.lines.day.console.detail(sentence)
        if refused:
            self.progress.out |= refused
            self.progress.line = self.lines.merge(self.progress.out, self.progress.apart)
        else:
            self.progress.line = with_remarks(self.progress.soaks, self.progress.line)
        return bool(refused)

    def _soak(self, gate: Gate) -> None:
        """Soak the tickets of the head that were not soaked on an earlier head of today."""
        soaks = self.progress.soaks.setdefault(gate.name, {})
        line, probes = self.progress.line, self.sources.probes
        diffs = {number: self.diffs[number] for number in line.head.tickets if number not in soaks}
        scope = find_scope(gate, line.head.tree, diffs, probes.runner.cache.files, self.progress.measured[gate.name])
        tickets = {ticket.number: ticket for ticket in line.tickets if ticket.number in scope.files}
        soaks |= {n: self._memory.begin(gate.name, each, scope.files[n]) for n, each in tickets.items()}
        if not tickets:
            return
        head = HeadSoak(probes=probes, gate=gate, head=line.head, scope=scope)
        flaky = self.progress.flaky.get(gate.name, set())
        try:
            head.run(soaks)
            judging = SoakJudging(gate=gate, scope=scope, suspects=head.suspects(), flaky=flaky, sources=self.sources)
            for number, ticket in tickets.items():
                soaks[number] = judging.judge(number, soaks[number], self._memory.open_flakes(gate.name, ticket))
        except (BudgetEndedError, GatePendingError, InfrastructureError) as error:
            if gate.soak == "refuse":
                raise
            reason = str(error).rstrip(".")
            self.lines.day.console.bad(f"The soak of {gate.name} stopped: {reason}")
            soaks |= {number: replace(soaks[number], why_not=soaks[number].why_not or reason) for number in tickets}

    @cached_property
    def _memory(self) -> SoakMemory:
        return SoakMemory(home=self.lines.day.home, date=self.lines.day.options.date.isoformat())
