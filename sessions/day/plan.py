"""``--plan`` on the terminal: what would be merged, in which order, what would not, and why. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from sessions.source.line import Line
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Decision, Ticket, Verdict, name_tickets

# The verdicts of tickets that would be left out, in the order in which they are listed.
_LEFT_OUT = (Verdict.CONFLICT, Verdict.BLOCKED, Verdict.UNFETCHABLE, Verdict.NOT_REACHED)
_VERBS = {
    Verdict.CONFLICT: "conflicts",
    Verdict.BLOCKED: "blocked",
    Verdict.UNFETCHABLE: "cannot be fetched",
    Verdict.NOT_REACHED: "beyond the limit",
}
# So many tickets are named for each reason why tickets are not ready.
_NAMED = 8


def plan_message(tickets: Sequence[Ticket], line: Line) -> str:
    """Return the plan as a clause: how many tickets would be merged and how many would not."""
    left = len(_with_verdicts(tickets, line, _LEFT_OUT))
    would = f"{counted(len(line.tickets), 'ticket')} would be merged" if line.tickets else "no ticket would be merged"
    return f"{would}{f', {left} would not' if left else ''}; no gate has run"


def describe_plan(tickets: Sequence[Ticket], line: Line, start: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections of the plan, each as its heading and its lines; ``start`` is what is merged onto."""
    merged = [_merged_line(place, ticket, line) for place, ticket in enumerate(line.tickets, start=1)]
    yield f"Would be merged onto {start}, in this order: {counted(len(merged), 'ticket')}", merged
    if left := _with_verdicts(tickets, line, _LEFT_OUT):
        yield f"Would be left out: {counted(len(left), 'ticket')}", [_left_out_line(*each, start) for each in left]
    if known := _with_verdicts(tickets, line, (Verdict.ALREADY_MERGED,)):
        yield f"In the release already: {counted(len(known), 'ticket')}", list(_by_reason(known))
    if unready := _with_verdicts(tickets, line, (Verdict.INELIGIBLE,)):
        yield f"Not ready: {counted(len(unready), 'ticket')}", list(_by_reason(unready))


def _with_verdicts(tickets: Sequence[Ticket], line: Line, verdicts: Sequence[Verdict]) -> list[tuple[Ticket, Decision]]:
    """Return the tickets with one of these verdicts, by verdict and number."""
    found = [(ticket, line.decisions[ticket.number]) for ticket in tickets if ticket.number in line.decisions]
    chosen = [each for each in found if each[1].verdict in verdicts]
    return sorted(chosen, key=lambda each: (verdicts.index(each[1].verdict), each[0].number))


def _merged_line(place: int, ticket: Ticket, line: Line) -> str:
    remark = line.decisions[ticket.number].reason
    return f"{place}. {name_ticket(ticket.number)} {ticket.title}" + (f" ({remark})" if remark else "")


def _left_out_line(ticket: Ticket, decision: Decision, start: str) -> str:
    where = _conflicts(decision, start) or decision.reason
    if decision.conflicts and decision.alternative:
        where += f"; {decision.alternative}"
    return f"{name_ticket(ticket.number)} {_VERBS[decision.verdict]}: {where} ({ticket.title})"


def _conflicts(decision: Decision, start: str) -> str:
    """Return with whom a ticket conflicts, and in which files and lines."""
    parts = []
    for with_, conflicts in groupby(sorted(decision.conflicts, key=lambda each: each.with_), lambda each: each.with_):
        places = [f"{each.path}{f':{each.lines}' if each.lines else ''}" for each in conflicts if each.path]
        where = f" in {', '.join(places)}" if places else ", which has no history in common"
        parts.append(f"with {name_tickets(with_) if with_ else start}{where}")
    return "; ".join(parts)


def _by_reason(found: Sequence[tuple[Ticket, Decision]]) -> Iterator[str]:
    """Yield a line for each reason, the most frequent first."""
    numbers = defaultdict[str, list[int]](list)
    for ticket, decision in found:
        numbers[decision.reason].append(ticket.number)
    for reason, group in sorted(numbers.items(), key=lambda each: (-len(each[1]), each[0])):
        more = f" and {len(group) - _NAMED} more" if len(group) > _NAMED else ""
        names = ", ".join(name_ticket(number) for number in group[:_NAMED]) if more else name_tickets(group)
        yield f"{names}{more}: {reason}"
