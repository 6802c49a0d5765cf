"""Build the merge queue: which tickets are ready, pinned to which commit, and in which order they are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from types import MappingProxyType

from sessions.day.hinted import NO_HINTS, DayHints
from sessions.day.ticket_selection import blocked_by_cycles, carried_needs, declared_needs
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.source.line import Queue
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.source.soundness import fetch_sound
from sessions.source.standing import Standing
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Decision, Ticket, Verdict
from sessions.tickets.trackers import merge_subjects


def build_queue(
    tickets: Sequence[Ticket],
    rules: Rules,
    mirror: Mirror,
    release: Release,
    config: Config,
    options: Options,
    hints: DayHints = NO_HINTS,
    decisions: Mapping[int, Decision] = MappingProxyType({}),
) -> Queue:
    """Return the day's queue: the tickets that are ready, in merge order, and a decision on each of the others.

    ``decisions`` were made before. Fetches all branches in one call.

    Raises :class:`UsageError` where an order of the hints contradicts dependencies.
    """
    branches = {ticket.number: ticket.branch for ticket in tickets if ticket.branch}
    elsewhere = {ticket.number: ticket.repository for ticket in tickets if ticket.repository}
    fetched = fetch_sound(mirror, release, branches, elsewhere, submodules=config.project.submodules)
    tips = fetched.tips
    with closing(Standing.of(tips, mirror, release, rules.target, merge_subjects(config.tickets))) as standing:
        out = {
            ticket.number: decision
            for ticket in tickets
            if (decision := _left_out(ticket, options, hints))
            or (decision := decisions.get(ticket.number))
            or (decision := _refusal(ticket, rules, fetched.faults.get(ticket.number, ""), standing, hints))
        }
        carried = carried_needs(tickets, tips, mirror, release)
        carried = standing.with_sequels(carried, [number for number in tips if number not in out])
        declared = declared_needs(tickets)
        needs = {number: declared[number] | carried[number] for number in declared}
        out |= blocked_by_cycles({number: needed for number, needed in needs.items() if number not in out})
        ready = [replace(each, commit=tips[each.number]) for each in tickets if each.number not in out]
        ordered, beyond = _ordered(ready, needs, config, options, hints)
        undeclared = {number: carried[number] - declared[number] for number in carried}
        remarks = {each.number: hints.remark(each.number, why_not(each, rules) or "") for each in ready}
        queue = Queue(tickets=ordered, needs=needs, carried=undeclared, out=out | beyond, remarks=remarks)
        return standing.complete(queue)


def _ordered(
    ready: Sequence[Ticket], needs: Mapping[int, frozenset[int]], config: Config, options: Options, hints: DayHints
) -> tuple[tuple[Ticket, ...], dict[int, Decision]]:
    """Return the tickets in merge order, up to ``--limit``, and the decisions on those beyond."""
    order, pinned = hints.order(ready, needs, config), {each.number: each for each in ready}
    beyond = _beyond_limit(order, options.limit)
    return tuple(pinned[number] for number in order if number not in beyond), beyond


def _left_out(ticket: Ticket, options: Options, hints: DayHints) -> Decision | None:
    """Return the decision on a ticket that somebody has left out."""
    reason = "left out by --without" if ticket.number in options.without else hints.kept_out(ticket.number)
    return Decision(verdict=Verdict.INELIGIBLE, reason=reason) if reason else None


def _beyond_limit(order: Sequence[int], limit: int | None) -> dict[int, Decision]:
    why = f"it comes after the first {limit} (--limit)"
    return {number: Decision(verdict=Verdict.NOT_REACHED, reason=why) for number in order[limit or len(order) :]}


def _refusal(ticket: Ticket, rules: Rules, fault: str, standing: Standing, hints: DayHints) -> Decision | None:
    """Return why a ticket is not merged, or None if it is ready; ``fault`` is why its branch was not fetched."""
    if (reason := why_not(ticket, rules)) and not (ticket.branch and hints.let_in(ticket.number)):
        return Decision(verdict=Verdict.INELIGIBLE, reason=reason)
    tip = standing.tips.get(ticket.number)
    if tip is None:
        return Decision(verdict=Verdict.UNFETCHABLE, reason=fault or f"the repository has no branch {ticket.branch}")
    if ticket.commit and tip != ticket.commit:
        moved = f"its branch moved since review: {ticket.commit[:10]} was reviewed, and it is at {tip[:10]}"
        return Decision(verdict=Verdict.INELIGIBLE, reason=moved)
    if reason := standing.contained(ticket.number):
        return Decision(verdict=Verdict.ALREADY_MERGED, reason=reason)
    return None
