"""Measure which test files are slower on a green head than on the release, and which tickets make them so."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.culprits.slowness import Pace
from sessions.day.baselines import Baselines
from sessions.day.progress import Progress, size_of_head
from sessions.day.slowness_evidence import recorded_slowdown, with_slow_remarks
from sessions.day.slowness_pairs import Paced, SlownessPairs
from sessions.day.slowness_scope import affordable, suspect_files
from sessions.day.slowness_search import SlownessSearch
from sessions.settings.configuration import Gate
from sessions.terminal.errors import BudgetEndedError, GatePendingError, InfrastructureError
from sessions.terminal.phrases import counted
from sessions.tickets.model import name_tickets
from sessions.tickets.order import Needs

_SHARE = "the share of the day that [[gates]] soak_share grants was used up, or the times vary too much"


@dataclass(frozen=True, kw_only=True)
class Slowness:
    """What it finds is in ``progress.slowdowns``; it takes no ticket out. ``needs`` are what each ticket needs."""

    progress: Progress
    baselines: Baselines
    needs: Needs

    def judge(self) -> None:
        """Judge each gate with ``slower`` on a green head; if the budget ends or a machine is in trouble, stop."""
        day, progress = self.baselines.day, self.progress
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
        console = self.baselines.day.console
        base, pairs = self.baselines.of(gate).candidate, SlownessPairs(runner=self.baselines.runner, gate=gate)
        share = pairs.seconds_left / 2  # the other half is for the search
        tried = affordable(files, measured.release, measured.head, share)
        console.step(f"Pace: {counted(len(tried), 'file')} of {gate.name} in pairs, on the release and on the head")
        found = dict.fromkeys(files, Paced()) | pairs.judge(tried, head, base, f"pace of {size_of_head(head)}")
        if unclear := [file for file in files if found[file].pace is Pace.UNCLEAR]:
            self.progress.pace_unknown[gate.name] = f"{counted(len(unclear), 'file')} could not be judged, as {_SHARE}"
        search = SlownessSearch(line=self.progress.line, baselines=self.baselines, needs=self.needs, base=base)
        slower = [
            recorded_slowdown(gate.name, each, found[each].logs) for each in files if found[each].pace is Pace.SLOWER
        ]
        self.progress.slowdowns[gate.name] = tuple(slower)  # they are known, even if the search ends before its time
        for place, slowdown in enumerate(slower):
            slower[place] = search.name(pairs, slowdown)
            self.progress.slowdowns[gate.name] = tuple(slower)
            by = f" with {name_tickets(slower[place].tickets)}" if slower[place].tickets else ""
            console.detail(f"{slowdown.file} takes {slowdown.ratio:.2f} times as long{by}")
