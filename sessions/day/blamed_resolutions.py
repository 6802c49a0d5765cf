"""Resolutions that make a head red: they are dropped, and not the ticket that needs them blamed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sessions.culprits.findings import Blame
from sessions.day.context import Day
from sessions.gates.results import TestId
from sessions.source.line import Queue
from sessions.source.merging import Candidate
from sessions.source.unmerged import Dropped, Use
from sessions.terminal.phrases import name_first
from sessions.tickets.model import name_tickets


def drop_blamed(day: Day, queue: Queue, blames: Mapping[tuple[str, TestId], Blame]) -> dict[tuple[str, TestId], Blame]:
    """Drop the resolutions that only the failing candidates of a blame used; return the blames that used none.

    Without its resolution, a ticket conflicts again, or breaks again what a fix-up should have mended: the merge line
    and the gates then decide about it as if nobody had recorded anything.
    """
    left = dict[tuple[str, TestId], Blame]()
    tests = dict[Use, list[str]]()
    for (gate, test), blame in blames.items():
        fine = {use for subset in blame.passes for use in _uses(day, queue, subset)}
        at_fault = [use for use in _uses(day, queue, blame.fails) if use not in fine]
        for use in at_fault:
            tests.setdefault(use, []).append(str(test))
        if not at_fault:
            left[gate, test] = blame
    for use, broken in tests.items():
        dropped = Dropped(use=use, why=f"with it, {name_tickets([use.ticket])} breaks {name_first(broken)}")
        day.merger.memory.drop(dropped)
        day.console.detail(f"{dropped}; `nox -s resolve -- --forget {use.id}` removes it for good")
    return left


def _uses(day: Day, queue: Queue, numbers: Iterable[int]) -> tuple[Use, ...]:
    chosen = frozenset(numbers)
    candidate = day.merger.combine(each for each in queue.tickets if each.number in chosen)
    return candidate.uses if isinstance(candidate, Candidate) else ()
