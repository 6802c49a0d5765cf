"""Tickets as the run record has them."""

from __future__ import annotations

from typing import Any

from sessions.day.context import Day
from sessions.day.progress import Progress
from sessions.day.recorded_gates import check_name
from sessions.reporting.reproduction import record_address, reproduce_line
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Breakage, Conflict, Decision, Ticket, Verdict


def record_ticket(ticket: Ticket, progress: Progress, day: Day) -> dict[str, Any]:
    """Return the entry of a ticket: its verdict, and what shows it."""
    decision = progress.line.decisions.get(ticket.number, Decision(verdict=Verdict.NOT_REACHED))
    priorities = [label for label in day.config.tickets.priorities if plain(label) in map(plain, ticket.labels)]
    pinned = {each.number: each.commit for each in progress.line.tickets}
    record = record_address(day.config.project.report)
    return {
        "number": ticket.number,
        "title": ticket.title,
        "url": ticket.url,
        "priority": priorities[0] if priorities else "",
        "commit": pinned.get(ticket.number, ticket.commit),
        "verdict": str(decision.verdict),
        "reason": decision.reason,
        "blocked_by": list(decision.blocked_by),
        "conflicts": [_conflict(each) for each in decision.conflicts],
        "broke": [_breakage(ticket.number, each, record) for each in decision.broke],
        "tests": _test_changes(ticket.number, progress),
    }


def _test_changes(number: int, progress: Progress) -> dict[str, Any]:
    """What a ticket's diff does to the tests of all gates: how many it brings, which it takes away or skips."""
    changes = [each.changes[number] for each in progress.measured.values() if number in each.changes]
    return {
        "brings": sum(each.brings for each in changes),
        "takes": [str(test) for each in changes for test in each.takes],
        "skips": [str(test) for each in changes for test in each.skips],
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    words = {"path": conflict.path, "lines": conflict.lines, "kind": conflict.kind, "hunk": conflict.hunk}
    return {"with": list(conflict.with_), **words}


def _breakage(number: int, broke: Breakage, record: str) -> dict[str, Any]:
    return {
        "gate": broke.gate,
        "check": check_name(is_build=broke.is_build),
        "test": broke.test,
        "with": list(broke.with_),
        "message": broke.message,
        "evidence": list(broke.evidence),
        "file": broke.file,
        "commit": broke.commit,
        "tree": broke.tree,
        "command": broke.command,
        "image": "",  # until one is made
        "reproduce": reproduce_line(number, record) if broke.commit else "",
        "kind": broke.kind,
        "expected": broke.expected,
    }
