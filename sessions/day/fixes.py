"""Tickets that mend the release: they are merged before the baseline is measured; and what they break themselves."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.gates.comparison import compare
from sessions.gates.results import TestId
from sessions.settings.configuration import Config
from sessions.source.line import Line
from sessions.terminal.phrases import name_first
from sessions.tickets.eligibility import FIX_RANK, URGENT_RANK, has_label
from sessions.tickets.model import Ticket
from sessions.tickets.order import Needs, closure


def fix_tickets(line: Line, needs: Needs, config: Config) -> tuple[Ticket, ...]:
    """Return the tickets with which a line begins, as they, or tickets that need them, mend the release."""
    mending = (each.number for each in line.tickets if has_label(each, config.tracker_of(each.number).fixes))
    fixes = closure(frozenset(mending), needs)
    return tuple(ticket for ticket in line.tickets if ticket.number in fixes)


def rank_name(rank: int, priorities: Sequence[str]) -> str:
    """Return the label of a rank: ``fixes``, ``urgent``, a priority, or empty for tickets without one."""
    return {FIX_RANK: "fixes", URGENT_RANK: "urgent"}.get(rank) or [*priorities, ""][rank]


def broken_by_fixes(day: Day, baselines: Baselines) -> dict[str, tuple[TestId, ...]]:
    """Return for each gate the tests that fail with the fixes and not without: no other ticket answers for them.

    Raises what :meth:`ProbeRunner.results` raises, except for gates that wait for another call.
    """
    broke = dict[str, tuple[TestId, ...]]()
    before = Baselines(day=day, runner=baselines.runner)
    for gate in day.asked_gates() if baselines.fixes else ():
        usual, fixed = before.find(gate), baselines.find(gate)
        new = compare(usual.probe_result.results, fixed.probe_result.results).new if usual and fixed else ()
        if new:
            broke[gate.name] = tuple(failure.test for failure in new)
    for name, tests in broke.items():
        day.console.detail(
            f"{name}: {name_first(tests)} fails with the fixes and not without: no other ticket answers for it"
        )
    return broke
