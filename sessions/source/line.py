"""The merge line: tickets merged one by one onto the release, and why the others were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.source.conflict_partners import conflict_in, used_resolutions
from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.source.trunk import Trunk
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Decision, Ticket, UsedResolution, Verdict, name_tickets
from sessions.tickets.order import Needs

_IN = (Verdict.INTEGRATED, Verdict.ALREADY_MERGED)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The eligible tickets in merge order, each pinned to a commit, and why the other tickets were left out.

    ``needs`` has declared dependencies and carried tickets (whose commits a branch contains); ``carried`` has those
    that are not declared. ``trunk`` is the part of the target branch that tickets contain, ``carriers`` are these
    tickets.

    ``met`` says how it is known that the release contains a ticket that the tracker does not list. ``removed`` says
    which tickets, listed or not, were merged and reverted, and by what. ``hints`` are clauses about listed tickets
    that a commit of the release names in its subject; they decide nothing. ``remarks`` are clauses
    about tickets that are merged because somebody decided so.
    """

    tickets: tuple[Ticket, ...]
    needs: Needs
    carried: Mapping[int, frozenset[int]] = field(default_factory=dict)
    out: Mapping[int, Decision] = field(default_factory=dict)
    trunk: Trunk | None = None
    carriers: frozenset[int] = frozenset()
    met: Mapping[int, str] = field(default_factory=dict)
    removed: Mapping[int, str] = field(default_factory=dict)
    hints: Mapping[int, str] = field(default_factory=dict)
    remarks: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A candidate with every ticket that merged, in order, and a decision on every ticket."""

    head: Candidate
    tickets: tuple[Ticket, ...]
    decisions: Mapping[int, Decision]


def start_line(queue: Queue, merger: Merger) -> Queue:
    """Start the merge line with the part of the target branch that tickets contain.

    If that part does not merge with the release, the tickets that contain it are blocked: they cannot be tested.
    """
    if queue.trunk is None or not (clash := merger.start_with(queue.trunk)):
        return queue
    trunk, paths = queue.trunk, ", ".join(sorted(clash.paths)[:3])
    reason = (
        f"its branch carries {trunk}, which does not merge with {trunk.since} in {paths}: the day must start from "
        f'there, as [project] release = "branch:{trunk.name}"'
    )
    blocked = {number: Decision(verdict=Verdict.BLOCKED, reason=reason) for number in queue.carriers}
    rest = tuple(ticket for ticket in queue.tickets if ticket.number not in blocked)
    return replace(queue, tickets=rest, out={**queue.out, **blocked}, trunk=None, carriers=frozenset())


def merge_line(queue: Queue, merger: Merger, out: Mapping[int, Decision]) -> Line:
    """Merge the queue without the tickets in ``out``, which were found to be culprits before.

    Of tickets that belong together, all are merged or none is: where one is out, the line is merged again without
    the others.
    """
    while True:
        line = _merge_once(queue, merger, out)
        left = {ticket.number: why for ticket in line.tickets if (why := _left_alone(ticket, line.decisions))}
        if not left:
            return line
        out = {**out, **left}


def _left_alone(ticket: Ticket, decisions: Mapping[int, Decision]) -> Decision | None:
    """Return the decision on a merged ticket if others that it belongs together with are out."""
    missing = [n for n in ticket.together if n in decisions and decisions[n].verdict not in _IN]
    if not missing:
        return None
    reasons = (f"{name_ticket(number)}, which is out: {decisions[number].verdict}" for number in missing)
    reason = f"it is merged only together with {'; '.join(reasons)}"
    return Decision(verdict=Verdict.BLOCKED, reason=reason, blocked_by=tuple(missing))


def _merge_once(queue: Queue, merger: Merger, out: Mapping[int, Decision]) -> Line:
    decisions: dict[int, Decision] = {**queue.out, **out}
    heads, accepted = [merger.base], list[Ticket]()
    for ticket in queue.tickets:
        if ticket.number in decisions:
            continue
        if blocked := _blocked(ticket, queue, decisions):
            decisions[ticket.number] = blocked
            continue
        merged = merger.merge(heads[-1], ticket)
        if (isinstance(merged, Clash) or merged.tree == heads[-1].tree) and (nothing := _nothing(ticket, merger)):
            decisions[ticket.number] = nothing
        elif isinstance(merged, Clash):
            decisions[ticket.number] = _clashed(ticket, merged, heads, merger, queue)
        else:
            is_empty = merged.tree == heads[-1].tree
            remarks = [_remarks(ticket, queue, is_empty), merger.remarks(heads[-1], ticket)]
            heads.append(merged)
            accepted.append(ticket)
            decisions[ticket.number] = Decision(verdict=Verdict.INTEGRATED, reason="; ".join(filter(None, remarks)))
            decisions |= _settled(ticket, heads, merger, decisions)
    decisions |= _dropped(merger, decisions)
    return Line(head=heads[-1], tickets=tuple(accepted), decisions=decisions)


def find_mergeable(queue: Queue, merger: Merger, out: Mapping[int, Decision]) -> tuple[int, ...]:
    """Return the tickets that may be in a line, in order: without those in ``out`` and those that bring nothing.

    Tickets are left out, too, if they need one that is neither among them nor in the release.

    Raises :class:`SourceError` where git itself failed.
    """
    while True:
        decisions: dict[int, Decision] = {**queue.out, **out}
        found = list[Ticket]()
        for ticket in queue.tickets:
            if ticket.number in decisions:
                continue
            reason = _blocked(ticket, queue, decisions) or _nothing(ticket, merger)
            decisions[ticket.number] = reason or Decision(verdict=Verdict.INTEGRATED)
            if not reason:
                found.append(ticket)
        left = {ticket.number: why for ticket in found if (why := _left_alone(ticket, decisions))}
        if not left:
            return tuple(ticket.number for ticket in found)
        out = {**out, **left}


def _settled(
    ticket: Ticket, heads: Sequence[Candidate], merger: Merger, decisions: Mapping[int, Decision]
) -> dict[int, Decision]:
    """Return the decisions on both sides of each conflict that a kept resolution settled in the last merge."""
    changed = dict[int, Decision]()
    for use, others in used_resolutions(ticket, heads, merger):
        with_ = name_tickets(others) if others else merger.start
        remarks = {ticket.number: f"its conflict with {with_} is settled: {use}"}
        remarks |= dict.fromkeys(others, f"it goes with {name_ticket(ticket.number)}: {use}")
        for number, remark in remarks.items():
            decision = changed.get(number, decisions[number])
            changed[number] = _with_resolution(decision, remark, use.record(others))
    return changed


def _dropped(merger: Merger, decisions: Mapping[int, Decision]) -> dict[int, Decision]:
    """Return the decisions on both sides of each conflict whose resolution was dropped."""
    changed = dict[int, Decision]()
    for dropped in merger.memory.dropped.values():
        use = dropped.use
        with_ = {other for each in decisions[use.ticket].conflicts for other in each.with_} | {*use.others}
        for number in {use.ticket, *with_} & decisions.keys():
            decision = changed.get(number, decisions[number])
            used = replace(use.record(tuple(sorted(with_))), dropped=dropped.why)
            changed[number] = _with_resolution(decision, str(dropped), used)
    return changed


def _with_resolution(decision: Decision, remark: str, used: UsedResolution) -> Decision:
    reason = "; ".join(filter(None, [decision.reason, remark]))
    return replace(decision, reason=reason, resolutions=(*decision.resolutions, used))


def _nothing(ticket: Ticket, merger: Merger) -> Decision | None:
    """Return the decision on a ticket that adds nothing to the release, or to the release with the trunk."""
    for start, name in ((merger.bare, merger.release.tag), (merger.base, merger.start)):
        merged = merger.merge(start, ticket)
        if isinstance(merged, Candidate) and merged.tree == start.tree and merged.uses == start.uses:
            return Decision(verdict=Verdict.ALREADY_MERGED, reason=f"it brings nothing that {name} lacks")
    return None


def _blocked(ticket: Ticket, queue: Queue, decisions: Mapping[int, Decision]) -> Decision | None:
    reasons: dict[int, str] = {}
    for number in sorted(queue.needs.get(ticket.number, ())):
        decision = decisions.get(number)
        if number in queue.removed:
            reasons[number] = f"was merged and taken out again by {queue.removed[number]}"
        elif decision is None and number not in queue.met:
            reasons[number] = "is neither among the open tickets nor in the release"
        elif decision and decision.verdict not in _IN:
            reasons[number] = f"is out: {decision.verdict}" + (f", {decision.reason}" if decision.reason else "")
    if not reasons:
        return None
    carried = queue.carried.get(ticket.number, frozenset())
    how = {n: "its branch carries" if n in carried else "it depends on" for n in reasons}
    reason = "; ".join(f"{how[n]} {name_ticket(n)}, which {why}" for n, why in reasons.items())
    return Decision(verdict=Verdict.BLOCKED, reason=reason, blocked_by=tuple(reasons))


def _remarks(ticket: Ticket, queue: Queue, is_empty: bool) -> str:
    carried = queue.carried.get(ticket.number, frozenset())
    met = [number for number in sorted(queue.needs.get(ticket.number, ())) if number in queue.met]
    remarks = [
        queue.remarks.get(ticket.number, ""),
        f"its branch carries {name_tickets(carried)} without saying so" if carried else "",
        *(f"it depends on {name_ticket(number)}, which is in the release as of {queue.met[number]}" for number in met),
        "it brings nothing that the tickets before it do not" if is_empty else "",
    ]
    return "; ".join(filter(None, remarks))


def _clashed(ticket: Ticket, clash: Clash, heads: Sequence[Candidate], merger: Merger, queue: Queue) -> Decision:
    conflicts = tuple(conflict_in(clash, path, ticket, heads, merger) for path in sorted(clash.kinds))
    parts = []
    for with_ in sorted({each.with_ for each in conflicts}):
        paths = [each.path for each in conflicts if each.with_ == with_ and each.path]
        where = f" in {', '.join(paths)}" if paths else ": they have no common history"
        parts.append((name_tickets(with_) if with_ else merger.start) + where)
    hint = queue.hints.get(ticket.number)
    reason = f"it conflicts with {'; '.join(parts)}" + (f" ({hint})" if hint else "")
    if remark := merger.remarks(heads[-1], ticket):
        reason += f"; {remark}"
    return Decision(verdict=Verdict.CONFLICT, reason=reason, conflicts=conflicts)
