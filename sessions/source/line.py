"""The merge line: tickets merged one by one onto the release, and why each that is not in it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.tickets.model import Conflict, Ruling, Ticket, Verdict, name_tickets
from sessions.tickets.order import Needs, closure

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
    head, accepted = merger.base, list[Ticket]()
    for ticket in queue.tickets:
        if ticket.number in rulings:
            continue
        if blocked := _blocked(ticket, queue, rulings, is_released):
            rulings[ticket.number] = blocked
            continue
        match merger.merge(head, ticket):
            case Candidate() as head:
                accepted.append(ticket)
                rulings[ticket.number] = Ruling(verdict=Verdict.INTEGRATED, reason=_carrying(ticket, queue))
            case Clash() as clash:
                rulings[ticket.number] = _clashed(ticket, clash, accepted, queue.needs, merger, is_released)
    return Line(head=head, tickets=tuple(accepted), rulings=rulings)


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


def _clashed(
    ticket: Ticket,
    clash: Clash,
    accepted: Sequence[Ticket],
    needs: Needs,
    merger: Merger,
    is_released: IsReleased,
) -> Ruling:
    if is_released(ticket.number):
        return Ruling(verdict=Verdict.ALREADY_MERGED, reason="the release's history names it as merged")
    found = _attribute(ticket, clash, accepted, needs, merger)
    conflicts = tuple(
        Conflict(with_=with_, path=place.path, lines=place.lines, kind=place.kind, hunk=place.hunk)
        for with_, blamed in found
        for place in blamed.places
    )
    sides = " and ".join(name_tickets(with_) if with_ else "the release" for with_, _ in found)
    paths = sorted({each.path for each in conflicts} - {""})
    where = f" in {', '.join(paths)}" if paths else ": no common history"
    return Ruling(verdict=Verdict.CONFLICT, reason=f"it conflicts with {sides}{where}", conflicts=conflicts)


def _attribute(
    ticket: Ticket,
    clash: Clash,
    accepted: Sequence[Ticket],
    needs: Needs,
    merger: Merger,
) -> list[tuple[tuple[int, ...], Clash]]:
    """With whom it clashes: the release, single tickets, or the ticket at which the line stopped taking it.

    Each pair is really merged, on the release with what the two depend on and nothing else, so that a name is
    given only where those two alone do clash. Only where no pair does is the shortest clashing start of the line
    searched: then its last ticket is named, which clashes on top of what came before it.
    """
    if isinstance(direct := merger.merge(merger.base, ticket), Clash):
        return [((), direct)]
    if isinstance(alone := _merge_alone(ticket, frozenset(), accepted, needs, merger), Clash):
        own = closure(frozenset([ticket.number]), needs) - {ticket.number}
        return [(tuple(sorted(own & {each.number for each in accepted})), alone)]
    pairs: list[tuple[tuple[int, ...], Clash]] = [
        ((other.number,), pair)
        for other in accepted
        if merger.touches(other) & clash.paths
        and isinstance(pair := _merge_alone(ticket, frozenset([other.number]), accepted, needs, merger), Clash)
    ]
    return pairs or [_first_clash(ticket, accepted, merger)]


def _merge_alone(
    ticket: Ticket,
    others: frozenset[int],
    accepted: Sequence[Ticket],
    needs: Needs,
    merger: Merger,
) -> Candidate | Clash:
    wanted = closure(others | {ticket.number}, needs) - {ticket.number}
    below = merger.combine(each for each in accepted if each.number in wanted)
    # What the others need may not merge without the rest of the line; that says nothing about this ticket.
    return merger.merge(below, ticket) if isinstance(below, Candidate) else merger.base


def _first_clash(ticket: Ticket, accepted: Sequence[Ticket], merger: Merger) -> tuple[tuple[int, ...], Clash]:
    head = merger.base
    for other in accepted:
        following = merger.merge(head, other)
        assert isinstance(following, Candidate)  # noqa: S101  the line was made of these very merges
        head = following
        if isinstance(clash := merger.merge(head, ticket), Clash):
            return (other.number,), clash
    raise AssertionError(f"#{ticket.number} clashed with the whole line and now does not")
