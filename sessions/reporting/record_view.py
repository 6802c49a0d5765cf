"""Derive facts from a run record for the report: outcomes of probes, the order of tickets, who must act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Literal

from sessions.gates.results import TestId
from sessions.ledger.record import (
    Record,
    RecordedBestSet,
    RecordedGate,
    RecordedHint,
    RecordedProbe,
    RecordedTicket,
)
from sessions.reporting.verdicts import HEAD_FIRST, VERDICTS
from sessions.tickets.model import Verdict

# The most bytes of a log that are read, lines that are shown, and characters per line.
_TAIL, _LINES, _WIDTH = 64_000, 30, 240


class ProbeOutcome(StrEnum):
    """What a probe showed; the text is its CSS class in ``page.css``."""

    FAILS = "fails"
    PASSES = "passes"
    UNCLEAR = "unclear"  # it did not build, so that the gate did not run


@dataclass(frozen=True)
class Outcomes:
    """The outcome of each probe of a record: whether it has failures other than the release's and flaky ones."""

    record: Record

    def of(self, probe: RecordedProbe) -> ProbeOutcome:
        """Return the outcome of a probe."""
        if probe.failures and not probe.failed:  # old records count failures without naming them
            return ProbeOutcome.FAILS
        if not probe.built and not probe.is_build:
            return ProbeOutcome.UNCLEAR
        return ProbeOutcome.FAILS if self.new_in(probe) else ProbeOutcome.PASSES

    def new_in(self, probe: RecordedProbe) -> list[TestId]:
        """Return the tests that fail in a probe, but not on the release, and that are not flaky."""
        excused = self._excused.get(probe.gate, set())
        # If a file crashes on the release, no failure of its tests is new.
        return [test for test in probe.failed if not {test, TestId(test.file)} & excused]

    @cached_property
    def _excused(self) -> Mapping[str, set[TestId]]:
        excused = {name: {*gate.flaky, *gate.known, *gate.as_release} for name, gate in self.record.gates.items()}
        for probe in self.record.probes:
            if not probe.tickets:
                excused.setdefault(probe.gate, set()).update(probe.failed)
        return excused


def queue(record: Record) -> tuple[int, ...]:
    """Return the tickets that were ready, in the order in which the merge line tried them."""
    if record.queue:
        return record.queue
    # Old records do not tell it, but their first probe of the head has most of them.
    longest = max((each.tickets for each in record.probes), key=len, default=record.order)
    return (*longest, *(number for number in record.order if number not in longest))


def by_urgency(record: Record) -> list[RecordedTicket]:
    """Return the tickets, those that need action first; each verdict in merge order."""
    place = {number: at for at, number in enumerate(queue(record))}
    rank = list(VERDICTS)
    return sorted(
        record.tickets,
        key=lambda each: (rank.index(each.verdict), place.get(each.number, len(place)), each.number),
    )


def by_head(record: Record) -> list[RecordedTicket]:
    """The tickets, those of the head first and in merge order, then those first that somebody must act on."""
    place = {number: at for at, number in enumerate(record.order)}
    return sorted(
        record.tickets,
        key=lambda each: (HEAD_FIRST.index(each.verdict), place.get(each.number, each.number)),
    )


def at_fault(record: Record) -> list[RecordedTicket]:
    """Return the tickets that need action from their authors, in the same order."""
    return [each for each in by_urgency(record) if each.verdict.is_at_fault]


def counts(record: Record) -> dict[Verdict, int]:
    """Return how many tickets have each verdict, without zeros, in the order of :data:`VERDICTS`."""
    found = [each.verdict for each in record.tickets]
    return {verdict: found.count(verdict) for verdict in VERDICTS if verdict in found}


def say_hint(hint: RecordedHint) -> str:
    """One sentence: what a hint did to which tickets or tests, who decided it, until when, and why."""
    what = ", ".join([*map(str, hint.tickets), *hint.tests])
    return f"{what} {hint.effect} by a hint of {hint.owner} ({hint.end}): {hint.reason}"


def say_best_set(best: RecordedBestSet) -> str:
    """One sentence: how many tickets the best set has, by priority, and how it is known that none is better."""
    counts = [
        f"{level.count}{f' of at most {level.at_most}' if level.count < level.at_most else ''} "
        f"{level.priority or 'without priority'}"
        for level in best.levels
    ]
    by_priority = f": {', '.join(counts)}" if len(counts) > 1 else ""
    if not best.proven:
        return f"The best set that was found has {len(best.tickets)} tickets{by_priority}; a better one may exist."
    how = "merges have ruled out every better one" if best.exact else "the solver has proven that none is better"
    return f"The best set of these tickets has {len(best.tickets)}{by_priority}; {how}."


def state_label(record: Record) -> str:
    """How the state is called: a plan is empty, as no gate has run, and is called what it is."""
    return "plan" if record.options.plan else record.state


def passed(gate: RecordedGate, where: Literal["release", "head"]) -> str:
    """Return how many of a gate's tests passed on the release or on the head: ``97/98``; a dash if it did not run."""
    ran = gate.ran.release if where == "release" else gate.ran.head
    return f"{ran.passed}/{ran.tests}" if ran else "\N{EN DASH}"


def changes_to_tests(ticket: RecordedTicket) -> str:
    """Return a clause on what a ticket's diff does to tests: ``adds 3 tests, removes 2``. Empty for most tickets."""
    changes = {"adds": ticket.tests.brings, "removes": len(ticket.tests.takes), "skips": len(ticket.tests.skips)}
    clauses = [f"{verb} {count} test{'s' * (count != 1)}" for verb, count in changes.items() if count]
    said = ", ".join([*clauses[:1], *(clause.rpartition(" ")[0] for clause in clauses[1:])])
    own = len(ticket.tests.as_release)
    return f"{said}, {own} of which fail{'s' * (own == 1)} for the release's own reason" if own else said


def probes_that_show(record: Record, ticket: RecordedTicket) -> list[RecordedProbe]:
    """Return, for each gate, the smallest probe in which a test fails that the ticket breaks: its log is the shortest.

    A ticket may break 20,000 tests, so that each probe is looked at once.
    """
    broken: dict[str, set[TestId]] = {}
    for broke in ticket.broke:
        broken.setdefault(broke.gate, set()).add(broke.test)
    failing = [
        probe
        for probe in record.probes
        if ticket.number in probe.tickets
        and not broken.get(probe.gate, set()).isdisjoint(probe.failed)
        and not probe.incremental
    ]
    smallest: dict[str, RecordedProbe] = {}
    for probe in sorted(failing, key=lambda probe: len(probe.tickets)):
        smallest.setdefault(probe.gate, probe)
    return [smallest[gate] for gate in broken if gate in smallest]


def log_tail(state: Path, log: str) -> str:
    """Return the last lines of a probe's log; empty if the log is gone. Only the folder of logs is read."""
    path = state / "logs" / Path(log).name
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL, 0))
            text = file.read().decode("utf-8", "replace")
    except (OSError, ValueError):  # ValueError: not a possible file name
        return ""
    lines = text.rstrip().splitlines()[-_LINES:]
    return "\n".join(line if len(line) <= _WIDTH else line[:_WIDTH] + "…" for line in lines)


@dataclass(frozen=True, kw_only=True)
class ConflictRow:
    """A line on one side of a conflict, split into what it has in common with the other side's line and what differs.

    ``shared`` says that the other side has the whole line, too.
    """

    before: str
    differs: str
    after: str
    shared: bool


def sides(hunk: str) -> tuple[list[ConflictRow], list[ConflictRow]] | None:
    """Return both sides of a conflict; ``None`` if the text has no conflict markers of git.

    The record cuts long hunks, so that the last marker may be missing.
    """
    rows = hunk.splitlines()
    if not rows or not rows[0].startswith("<<<<<<<") or "=======" not in rows:
        return None
    ours = list(takewhile(lambda row: row != "=======", rows[1:]))
    theirs = list(takewhile(lambda row: not row.startswith(">>>>>>>"), rows[len(ours) + 2 :]))
    return _compared(ours, theirs), _compared(theirs, ours)


def _compared(rows: list[str], others: list[str]) -> list[ConflictRow]:
    return [_row(row, other or "", shared=row in others) for row, other in zip_longest(rows, others) if row is not None]


def _row(row: str, other: str, *, shared: bool) -> ConflictRow:
    start = _common(row, other)
    end = _common(row[start:][::-1], other[start:][::-1])
    return ConflictRow(
        before=row[:start], differs=row[start : len(row) - end], after=row[len(row) - end :], shared=shared
    )


def _common(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
