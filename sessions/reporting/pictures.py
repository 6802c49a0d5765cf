"""Compute the positions in the report's pictures, in SVG units; the templates draw them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sessions.gates.results import TestId
from sessions.ledger.record import Purpose, Record, RecordedProbe, RecordedTicket
from sessions.reporting.record_view import Outcomes, ProbeOutcome, queue
from sessions.terminal.durations import say_duration
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Verdict


@dataclass(frozen=True, kw_only=True)
class Station:
    """A ticket and its position in the merge line."""

    ticket: RecordedTicket
    x: float


@dataclass(frozen=True, kw_only=True)
class Arc:
    """Two tickets that conflict, or break a test together."""

    path: str
    verdict: Verdict
    words: str


@dataclass(frozen=True, kw_only=True)
class LinePicture:
    """The merge line: ``y`` is its vertical position, ``end`` that of the head; ``dense`` rotates the labels."""

    width: float
    height: float
    y: float
    start: float
    end: float
    dense: bool
    stations: Sequence[Station]
    arcs: Sequence[Arc]


def draw_line(record: Record) -> LinePicture:
    """Return the tickets that were ready, side by side, with arcs between those that do not go together."""
    tickets = {each.number: each for each in record.tickets}
    numbers = [number for number in queue(record) if number in tickets]
    dense = len(numbers) > 30
    step = 17.0 if dense else max(44.0, min(90.0, 880.0 / (len(numbers) + 1)))
    start = 96.0
    places = {number: start + step * (at + 1) for at, number in enumerate(numbers)}
    pairs = sorted({pair for number in numbers for pair in _pairs(tickets[number]) if pair[1] in places})
    spans = [abs(places[a] - places[b]) for a, b, _ in pairs]
    y = 34.0 + max((_rise(span) for span in spans), default=0.0)
    end = start + step * (len(numbers) + 1)
    return LinePicture(
        width=end + 96.0,
        height=y + (104.0 if dense else 92.0),
        y=y,
        start=start,
        end=end,
        dense=dense,
        stations=[Station(ticket=tickets[number], x=places[number]) for number in numbers],
        arcs=[_arc(places[a], places[b], y, pair=(a, b), verdict=verdict) for a, b, verdict in pairs],
    )


def _pairs(ticket: RecordedTicket) -> Iterable[tuple[int, int, Verdict]]:
    for broke in ticket.broke:
        yield from ((ticket.number, other, Verdict.CULPRIT) for other in broke.with_)
    for conflict in ticket.conflicts:
        yield from ((ticket.number, other, Verdict.CONFLICT) for other in conflict.with_)


def _rise(span: float) -> float:
    return min(16.0 + span * 0.2, 72.0)


def _arc(left: float, right: float, y: float, *, pair: tuple[int, int], verdict: Verdict) -> Arc:
    low, high, top = min(left, right), max(left, right), y - 8
    # A cubic curve reaches three quarters of the way to its handles.
    peak = top - _rise(high - low) / 0.75
    path = f"M{low:g} {top:g}C{low:g} {peak:g} {high:g} {peak:g} {high:g} {top:g}"
    verb = "breaks a test together with" if verdict is Verdict.CULPRIT else "conflicts with"
    return Arc(path=path, verdict=verdict, words=f"{name_ticket(pair[0])} {verb} {name_ticket(pair[1])}")


@dataclass(frozen=True, kw_only=True)
class TicketRow:
    """A probe: a path with a cell for each of its tickets, coloured by its outcome."""

    number: int
    probe: RecordedProbe
    y: float
    path: str
    outcome: ProbeOutcome
    purpose: Purpose
    new: Sequence[TestId]


@dataclass(frozen=True, kw_only=True)
class SearchPicture:
    """Probes as rows, tickets as columns from ``left`` to ``right``; ``columns`` are number, middle, verdict."""

    width: float
    height: float
    left: float
    top: float
    right: float
    columns: Sequence[tuple[int, float, Verdict | None]]
    rows: Sequence[TicketRow]


def draw_search(record: Record) -> SearchPicture:
    """Return the probes with their tickets and outcomes, in the order in which they ran.

    Those of a soak are left out: they are many, and alike.
    """
    probes = [probe for probe in record.probes if probe.purpose is not Purpose.SOAK]
    verdicts = {each.number: each.verdict for each in record.tickets}
    probed = {number for probe in record.probes for number in probe.tickets}
    numbers = [number for number in queue(record) if number in probed]
    cell = max(1.0, min(44.0, 740.0 / max(len(numbers), 1)))
    left, top, step = 300.0, 18.0 + 7.5 * max((len(str(number)) for number in numbers), default=1), 20.0
    outcomes, place = Outcomes(record), {number: at for at, number in enumerate(numbers)}
    rows = [
        TicketRow(
            number=at + 1,
            probe=probe,
            y=top + at * step,
            path=_cells({place[n] for n in probe.tickets if n in place}, left, top + at * step, cell),
            outcome=outcomes.of(probe),
            purpose=probe.purpose,
            new=outcomes.new_in(probe),
        )
        for at, probe in enumerate(probes)
    ]
    # If columns are narrow, only those of tickets with a fault are labelled, if there is room.
    named = list[int]()
    for number in numbers:
        has_room = not named or (place[number] - place[named[-1]]) * cell >= 12
        if has_room and (cell >= 12 or verdicts.get(number) is Verdict.CULPRIT):
            named.append(number)
    right = left + cell * len(numbers)
    return SearchPicture(
        width=right + 76.0,
        height=top + len(rows) * step + 4,
        left=left,
        top=top,
        right=right,
        columns=[(n, left + (place[n] + 0.5) * cell, verdicts.get(n)) for n in named],
        rows=rows,
    )


def _cells(places: set[int], left: float, y: float, cell: float) -> str:
    """Return a path of cells; neighbours share a rectangle if a gap between them would not be visible."""
    gap, height = (2.0, 14) if cell >= 8 else (0.0, 14)
    runs: list[list[int]] = []
    for at in sorted(places):
        if runs and not gap and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    spans = [(left + run[0] * cell, len(run) * cell - gap) for run in runs]
    return "".join(f"M{x:g} {y:g}h{width:g}v{height}h-{width:g}z" for x, width in spans)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A probe on the day's clock."""

    probe: RecordedProbe
    x: float
    width: float
    purpose: Purpose


@dataclass(frozen=True, kw_only=True)
class TimePicture:
    """The probes one after the other, with a lane for each gate; ``ticks`` are pairs of x and label."""

    lanes: Sequence[tuple[str, Sequence[Bar]]]
    ticks: Sequence[tuple[float, str]]
    left: float
    width: float


def draw_time(record: Record) -> TimePicture:
    """Return the day's probes on a time axis."""
    total = sum(probe.seconds for probe in record.probes) or 1.0
    left, span, at = 110.0, 960.0, 0.0
    lanes: dict[str, list[Bar]] = {}
    for probe in record.probes:
        x, width = left + at / total * span, probe.seconds / total * span
        lanes.setdefault(probe.gate, []).append(Bar(probe=probe, x=x, width=width, purpose=probe.purpose))
        at += probe.seconds
    tick = _nice(total / 6)
    ticks = [(left + n * tick / total * span, _clock(n * tick)) for n in range(int(total / tick) + 1)]
    return TimePicture(lanes=list(lanes.items()), ticks=ticks, left=left, width=left + span + 30)


def _clock(seconds: float) -> str:
    return say_duration(seconds).replace(".0s", "s") if seconds else "0"


def _nice(seconds: float) -> float:
    """Round a span up to the next one that people count in."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
    return next((step for step in steps if step >= seconds), 86400)


def spent(record: Record) -> list[tuple[str, dict[Purpose, tuple[int, float]]]]:
    """Return, by gate, how many probes ran for each purpose, and for how many seconds."""
    table: dict[str, dict[Purpose, tuple[int, float]]] = {}
    for probe in record.probes:
        row = table.setdefault(probe.gate, dict.fromkeys(Purpose, (0, 0.0)))
        count, seconds = row[probe.purpose]
        row[probe.purpose] = (count + 1, seconds + probe.seconds)
    return list(table.items())
