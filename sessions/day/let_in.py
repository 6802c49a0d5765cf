"""What would happen if an open ticket, ready or not, came first in the day's line: who leaves it, and what breaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sessions.day.baselines import Baselines
from sessions.day.fixes import fix_tickets
from sessions.day.green_head import GreenHead
from sessions.day.line_selection import LineSelection
from sessions.day.probe_runner import ProbeRunner
from sessions.day.progress import Progress
from sessions.source.line import Line, Queue, merge_line
from sessions.source.merging import Merger
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import name_ticket, plain_number, plain_numbers
from sessions.tickets.model import Breakage, Ticket, Verdict, name_tickets
from sessions.tickets.order import closure


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A test that ``ticket`` breaks, alone or together with others, one of which may be the ticket that was let in."""

    ticket: int
    breakage: Breakage

    def __str__(self) -> str:
        """A clause such as ``#5 with #3 breaks pytest: test_area``."""
        others = f" with {name_tickets(self.breakage.with_)}" if self.breakage.with_ else ""
        return f"{name_ticket(self.ticket)}{others} breaks {self.breakage.gate}: {self.breakage.test}"


@dataclass(frozen=True, kw_only=True)
class LetIn:
    """``entered`` and ``left`` are the tickets that come into the line and leave it; ``broken`` is known with gates."""

    entered: tuple[int, ...]
    left: tuple[int, ...]
    broken: tuple[Broken, ...] | None = None

    def record(self) -> dict[str, Any]:
        """Return it for ``--json``; ``breaks`` only where gates have run."""
        found: dict[str, Any] = {"in": plain_numbers(self.entered), "out": plain_numbers(self.left)}
        if self.broken is not None:
            found["breaks"] = [
                {
                    "ticket": plain_number(each.ticket),
                    "with": plain_numbers(each.breakage.with_),
                    "gate": each.breakage.gate,
                    "test": each.breakage.test,
                    "message": each.breakage.message,
                }
                for each in self.broken
            ]
        return found


def merge_first(number: int, queue: Queue, pinned: Mapping[int, Ticket]) -> Queue:
    """Return the queue with an open ticket at its beginning, behind what it depends on.

    Raises :class:`UsageError` for a ticket that is not in ``pinned``: it has no branch.
    """
    if number not in pinned:
        raise UsageError(f"--test: there is no open ticket {name_ticket(number)} with a branch.")
    chosen = closure(frozenset([number]), queue.needs)
    first = [ticket for each, ticket in pinned.items() if each in chosen and each != number]
    rest = [ticket for ticket in queue.tickets if ticket.number not in chosen]
    out = {each: decision for each, decision in queue.out.items() if each not in chosen}
    return replace(queue, tickets=(*first, pinned[number], *rest), out=out)


def compare_lines(usual: Line, queue: Queue, merger: Merger) -> LetIn:
    """Return which tickets the line of ``queue`` has beside those of the ``usual`` line, and which it lacks."""
    before = {ticket.number for ticket in usual.tickets}
    after = {ticket.number for ticket in merge_line(queue, merger, {}).tickets}
    return LetIn(entered=tuple(sorted(after - before)), left=tuple(sorted(before - after)))


def find_broken(number: int, lines: LineSelection, runner: ProbeRunner) -> tuple[Broken, ...]:
    """Run the gates on the line of ``lines``, find the culprits, and return what ticket ``number`` has part in.

    Raises the errors of :meth:`ProbeRunner.results`.
    """
    day = lines.day
    progress = Progress(line=lines.merge({}))
    fixes = fix_tickets(progress.line, lines.queue.needs, day.config)
    baselines = Baselines(day=day, runner=runner, fixes=fixes)
    baselines.measure(day.asked_gates())
    baselines.check(day.asked_gates())
    GreenHead(day=day, lines=lines, runner=runner, baselines=baselines, progress=progress).find()
    return tuple(_broken_with(number, progress.line))


def _broken_with(number: int, line: Line) -> Iterator[Broken]:
    for ticket, decision in line.decisions.items():
        if decision.verdict is Verdict.CULPRIT:
            for each in decision.broke:
                if number in (ticket, *each.with_):
                    yield Broken(ticket=ticket, breakage=each)
