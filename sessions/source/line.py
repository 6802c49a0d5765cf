"""The merge line: tickets merged one by one onto the release, and why each that is not in it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.tickets.model import Conflict, Ruling, Ticket, Verdict, name_tickets
from sessions.tickets.order import Needs

# How a ticket that nobody listed stands: in the release, or nowhere.
IsReleased = Callable[[int], bool]


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The eligible tickets in merge order, each pinned to a commit, and the reasons of those that are not in it.

    ``needs`` holds declared dependencies and carried tickets; ``carried`` those of them that nobody declared.
    """

    tickets: tuple[Ticket, ...]
    needs: Needs
    carried: Mapping[int, frozenset[int]] = field(default_factory=dict)
    out: Mapping[int, Ruling] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A candidate with every ticket that fitted, in order, and a ruling on every ticket."""

    head: Candidate
    tickets: tuple[Ticket, ...]
    rulings: Mapping[int, Ruling]


def merge_line(queue: Queue, merger: Merger, out: Mapping[int, Ruling], is_released: IsReleased) -> Line:
    """Merge the queue without the tickets in ``out`` (which were found at fault before)."""
    rulings: dict[int, Ruling] = {**queue.out, **out}
    heads, accepted = [merger.base], list[Ticket]()
    for ticket in queue.tickets:
        if ticket.number in rulings:
            continue
        if blocked := _blocked(ticket, queue, rulings, is_released):
            rulings[ticket.number] = blocked
            continue
        match merger.merge(heads[-1], ticket):
            case Candidate() as head:
                remarks = (_carrying(ticket, queue), merger.remarks(heads[-1], ticket))
                heads.append(head)
                accepted.append(ticket)
                reason = "; ".join(filter(None, remarks))
                rulings[ticket.number] = Ruling(verdict=Verdict.INTEGRATED, reason=reason)
            case Clash() if is_released(ticket.number):
                reason = "the release's history names it as merged"
                rulings[ticket.number] = Ruling(verdict=Verdict.ALREADY_MERGED, reason=reason)
            case Clash() as clash:
                rulings[ticket.number] = _clashed(ticket, clash, heads, merger)
    return Line(head=heads[-1], tickets=tuple(accepted), rulings=rulings)


def _blocked(ticket: Ticket, queue: Queue, rulings: Mapping[int, Ruling], is_released: IsReleased) -> Ruling | None:
    reasons: dict[int, str] = {}
    for number in sorted(queue.needs.get(ticket.number, ())):
        ruling = rulings.get(number)
        if ruling is None and not is_released(number):
            reasons[number] = "is neither among the open tickets nor in the release"
        elif ruling and ruling.verdict not in (Verdict.INTEGRATED, Verdict.ALREADY_MERGED):
            reasons[number] = f"is out: {ruling.verdict}" + (f", {ruling.reason}" if ruling.reason else "")
    if not reasons:
        return None
    carried = queue.carried.get(ticket.number, frozenset())
    how = {n: "its branch carries" if n in carried else "it depends on" for n in reasons}
    reason = "; ".join(f"{how[n]} #{n}, which {why}" for n, why in reasons.items())
    return Ruling(verdict=Verdict.BLOCKED, reason=reason, blocked_by=tuple(reasons))


def _carrying(ticket: Ticket, queue: Queue) -> str:
    carried = queue.carried.get(ticket.number, frozenset())
    return f"its branch carries {name_tickets(carried)} without saying so" if carried else ""


def _clashed(ticket: Ticket, clash: Clash, heads: Sequence[Candidate], merger: Merger) -> Ruling:
    conflicts = tuple(_conflict(ticket, path, heads, merger) for path in sorted(clash.kinds))
    parts = []
    for with_ in sorted({each.with_ for each in conflicts}):
        paths = [each.path for each in conflicts if each.with_ == with_ and each.path]
        where = f" in {', '.join(paths)}" if paths else ": they have no common history"
        parts.append((name_tickets(with_) if with_ else "the release") + where)
    return Ruling(verdict=Verdict.CONFLICT, reason=f"it conflicts with {'; '.join(parts)}", conflicts=conflicts)


def _conflict(ticket: Ticket, path: str, heads: Sequence[Candidate], merger: Merger) -> Conflict:
    """With whom a ticket clashes in one file.

    ``heads`` are the line as it grew, from the release on. One of them still takes the ticket without a clash in
    this file, and the next, which is one ticket longer, does not: that ticket is named. It is true both ways, and
    holds for clashes that need more than two.
    """
    low, high = -1, len(heads) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _clashes(merger.merge(heads[middle], ticket), path) else (middle, high)
    shown = merger.merge(heads[high], ticket)
    assert isinstance(shown, Clash)  # noqa: S101  the whole line clashed, else we would not be here
    place = shown.place(path)
    return Conflict(
        with_=heads[high].tickets[-1:],
        path=path,
        lines=place.lines,
        kind=place.kind,
        hunk=place.hunk,
    )


def _clashes(merged: Candidate | Clash, path: str) -> bool:
    return isinstance(merged, Clash) and path in merged.kinds
