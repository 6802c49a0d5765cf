"""What the word "green" leaves unsaid: known failures, tests that are gone or skipped, gates that did not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sessions.gates.results import TestId
from sessions.ledger.record import GateState, Record, RecordedGate


def provisos(record: Record) -> list[str]:
    """One sentence for each thing that a reader must know beside the state."""
    found = [sentence for name, gate in record.gates.items() for sentence in _of_gate(name, gate, record)]
    if record.trunk and record.trunk.broke:
        found.append(f"{record.trunk.name} broke {_tests(record.trunk.broke)} since {record.release}.")
    return found


def _of_gate(name: str, gate: RecordedGate, record: Record) -> Iterator[str]:
    if gate.state is GateState.PENDING and record.probes:
        yield f"{name} has not run on this head."
    if gate.known:
        yield f"{_tests(gate.known)} of {name} {_verb(gate.known, 'fails', 'fail')} on {record.release}, too."
    if gate.gone:
        verb = _verb(gate.gone, "is", "are")
        yield f"{_tests(gate.gone)} of {name} {verb} gone, as tickets delete or rename them."
    if gate.skipped:
        verb = _verb(gate.skipped, "is", "are")
        yield f"{_tests(gate.skipped)} of {name} ran on {record.release} and {verb} skipped."
    if gate.ignored:
        verb = _verb(gate.ignored, "fails", "fail")
        yield f"{_tests(gate.ignored)} of {name} {verb} anew, which a hint says to ignore."
    if gate.broken_by_fixes:
        verb = _verb(gate.broken_by_fixes, "fails", "fail")
        yield f"{_tests(gate.broken_by_fixes)} of {name} {verb} because of the fixes that the baseline has."
    if gate.flaky:
        yield f"{_tests(gate.flaky)} of {name} {_verb(gate.flaky, 'is', 'are')} flaky."
    if gate.mended_by:
        yield f"{name} was measured on {record.release} with {', '.join(f'#{each}' for each in gate.mended_by)}."
    for note in gate.notes:
        yield f"The report of {name} had to be repaired: {note}."


def _tests(tests: Sequence[object]) -> str:
    return f"{len(tests)} test{'s' * (len(tests) != 1)}"


def _verb(tests: Sequence[TestId], one: str, many: str) -> str:
    return one if len(tests) == 1 else many
