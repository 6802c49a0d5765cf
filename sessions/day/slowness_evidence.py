"""Put what paired runs showed of a slower file into the form of the record, and remark on tickets. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sessions.culprits.slowness import measure_slowdown
from sessions.ledger.record import RecordedSlowdown
from sessions.source.line import Line


def recorded_slowdown(gate: str, file: str, logs: Sequence[float]) -> RecordedSlowdown:
    """Return the entry of a file, from the logarithms of the ratios of its pairs."""
    found = measure_slowdown(logs)
    return RecordedSlowdown(
        gate=gate,
        file=file,
        ratio=round(found.ratio, 3),
        low=round(found.low, 3),
        high=round(found.high, 3),
        runs=found.runs,
    )


def with_slow_remarks(slowdowns: Mapping[str, Sequence[RecordedSlowdown]], line: Line) -> Line:
    """Return the line with a remark on each of its tickets that makes a file slower."""
    decisions = dict(line.decisions)
    for number, files in _files_by_ticket(slowdowns).items():
        what = files[0] if len(files) == 1 else f"{len(files)} test files"
        reason = "; ".join(filter(None, (decisions[number].reason, f"it makes {what} slower")))
        decisions[number] = replace(decisions[number], reason=reason)
    return replace(line, decisions=decisions)


def _files_by_ticket(slowdowns: Mapping[str, Sequence[RecordedSlowdown]]) -> dict[int, list[str]]:
    files: dict[int, list[str]] = {}
    for each in (slowdown for found in slowdowns.values() for slowdown in found if slowdown.tickets):
        files.setdefault(each.tickets[0], []).append(each.file)
    return files
