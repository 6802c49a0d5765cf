"""Decide which tickets of a line leave it, as they bring a flaky test, and remark on those that stay. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import TestId
from sessions.ledger.record import RecordedSoak
from sessions.source.line import Line
from sessions.terminal.phrases import name_first
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Decision, Verdict

Soaks = Mapping[str, Mapping[int, RecordedSoak]]


def refused_tickets(soaks: Soaks, gates: Collection[str], line: Line) -> dict[int, Decision]:
    """Return the decisions on tickets of the line that bring a flaky test to one of these gates."""
    brought = _brought({name: soaks[name] for name in gates if name in soaks}, line)
    return {
        number: Decision(verdict=Verdict.FLAKY, reason=f"it brings {_say(tests)}") for number, tests in brought.items()
    }


def say_refused(refused: Mapping[int, Decision]) -> list[str]:
    """Return a line for each ticket that leaves."""
    return [f"{name_ticket(number)} leaves: {decision.reason}" for number, decision in refused.items()]


def say_brought(soaks: Soaks, line: Line) -> list[str]:
    """Return a line for each ticket of the line that brings a flaky test."""
    return [f"{name_ticket(number)} brings {_say(tests)}" for number, tests in _brought(soaks, line).items()]


def with_remarks(soaks: Soaks, line: Line) -> Line:
    """Return the line with a remark on each of its tickets that brings a flaky test."""
    decisions = dict(line.decisions)
    for number, tests in _brought(soaks, line).items():
        reason = "; ".join(filter(None, (decisions[number].reason, f"it brings {_say(tests)}")))
        decisions[number] = replace(decisions[number], reason=reason)
    return replace(line, decisions=decisions)


def _brought(soaks: Soaks, line: Line) -> dict[int, list[TestId]]:
    """Return the flaky tests that soaks have shown to come from tickets of the line."""
    brought: dict[int, list[TestId]] = {}
    for number in line.head.tickets:
        flakes = [flake for each in soaks.values() if number in each for flake in each[number].flakes]
        if tests := [flake.test for flake in flakes if flake.source is FlakeSource.TICKET]:
            brought[number] = tests
    return brought


def _say(tests: list[TestId]) -> str:
    return ("a flaky test: " if len(tests) == 1 else f"{len(tests)} flaky tests: ") + name_first(tests)
