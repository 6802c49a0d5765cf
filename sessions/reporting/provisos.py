"""What the word "green" leaves unsaid: known failures, tests that are gone or skipped, gates that did not run."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.ledger.record import GateState, Record, RecordedGate
from sessions.reporting.common_causes import say_cause
from sessions.reporting.slowdowns import say_gate_slowdowns
from sessions.reporting.soaks import say_brought_flakes
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Verdict


def provisos(record: Record) -> list[str]:
    """One sentence for each thing that a reader must know beside the state."""
    found = [sentence for name, gate in record.gates.items() for sentence in _of_gate(name, gate, record)]
    found += _of_soaks(record)
    if record.trunk and record.trunk.broke:
        found.append(f"{record.trunk.name} broke {counted(len(record.trunk.broke), 'test')} since {record.release}.")
    return found


def _of_soaks(record: Record) -> Iterator[str]:
    """Yield a sentence on flaky tests that tickets of the head bring, and one on soaks that were too short."""
    inside = [each for each in record.tickets if each.verdict is Verdict.INTEGRATED]
    if brought := [each for each in inside if say_brought_flakes(each)]:
        verb = "brings" if len(brought) == 1 else "bring"
        yield f"{counted(len(brought), 'ticket')} of the head {verb} flaky tests."
    if short := [each for each in inside if any(soak.why_not for soak in each.soaks)]:
        yield f"The tests of {counted(len(short), 'ticket')} of the head did not run as often as a soak needs."


def _of_gate(name: str, gate: RecordedGate, record: Record) -> Iterator[str]:
    if gate.state is GateState.PENDING and record.probes:
        yield f"{name} has not run on this head."
    release = record.release
    yield from say_gate_slowdowns(name, gate, release)
    for cause in gate.causes:
        if cause.new:
            fail = "fails" if len(cause.new) == 1 else "fail"
            yield (
                f"{counted(len(cause.new), 'new test')} of {name} {fail} for {release}'s own reason, as "
                f"{counted(len(cause.known), 'known failure')}: {say_cause(cause)}."
            )
    of_tests = (
        (gate.known, "fails", "fail", f"on {release}, too"),
        (gate.known_once, "failed", "failed", f"in the only run on {release} that tells"),
        (gate.gone, "is", "are", "gone, as tickets delete or rename them"),
        (gate.skipped, f"ran on {release} and is", f"ran on {release} and are", "skipped"),
        (gate.ignored, "fails", "fail", "anew, which a hint says to ignore"),
        (gate.broken_by_fixes, "fails", "fail", "because of the fixes that the baseline has"),
        (gate.flaky, "is", "are", "flaky"),
    )
    for tests, verb, verb_of_many, rest in of_tests:
        if tests:
            yield f"{counted(len(tests), 'test')} of {name} {verb if len(tests) == 1 else verb_of_many} {rest}."
    if gate.mended_by:
        yield f"{name} was measured on {release} with {', '.join(map(name_ticket, gate.mended_by))}."
    for note in gate.notes:
        yield f"The report of {name} had to be repaired: {note}."
