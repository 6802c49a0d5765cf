"""Build the merge queue: which tickets are ready, pinned to which commit, and in which order they are merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from sessions.day.ticket_selection import carried_needs, declared_needs
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.source.line import Queue
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.source.soundness import fetch_sound
from sessions.source.standing import Standing
from sessions.tickets.eligibility import Rules, priority_rank, why_not
from sessions.tickets.model import Decision, Ticket, Verdict
from sessions.tickets.order import Needs, find_cycles, merge_order
from sessions.tickets.trackers import merge_subjects


def build_queue(
    tickets: Sequence[Ticket],
    rules: Rules,
    mirror: Mirror,
    release: Release,
    config: Config,
    options: Options,
) -> Queue:
    """Return the day's queue: the tickets that are ready, in merge order, and a decision on each of the others.

    Fetches the branches of all tickets in one call.
    """
    branches = {ticket.number: ticket.branch for ticket in tickets if ticket.branch}
    elsewhere = {ticket.number: ticket.repository for ticket in tickets if ticket.repository}
    fetched = fetch_sound(mirror, release, branches, elsewhere, submodules=config.project.submodules)
    tips = fetched.tips
    with closing(Standing.of(tips, mirror, release, rules.target, merge_subjects())) as standing:
        carried = carried_needs(tickets, tips, mirror, release)
        out: dict[int, Decision] = {}
        for ticket in tickets:
            if ticket.number in options.without:
                out[ticket.number] = Decision(verdict=Verdict.INELIGIBLE, reason="left out by --without")
            elif decision := _refusal(ticket, rules, fetched.faults.get(ticket.number, ""), standing):
                out[ticket.number] = decision
        carried = standing.with_sequels(carried, [number for number in tips if number not in out])
        declared = declared_needs(tickets)
        needs = {number: declared[number] | carried[number] for number in declared}
        out |= _circular({number: needed for number, needed in needs.items() if number not in out})
        pinned = {each.number: replace(each, commit=tips[each.number]) for each in tickets if each.number not in out}
        order = _order(tickets, pinned, needs, config)
        for number in order[options.limit :] if options.limit else ():
            why = f"it comes after the first {options.limit} (--limit)"
            out[number] = Decision(verdict=Verdict.NOT_REACHED, reason=why)
        queue = Queue(
            tickets=tuple(pinned[number] for number in order if number not in out),
            needs=needs,
            carried={number: carried[number] - declared[number] for number in carried},
            out=out,
        )
        return standing.complete(queue)


def _order(tickets: Sequence[Ticket], pinned: Mapping[int, Ticket], needs: Needs, config: Config) -> tuple[int, ...]:
    """Return the numbers of the eligible tickets in merge order."""
    listed = {each.number: place for place, each in enumerate(tickets)}
    return merge_order(
        {number: needs[number] for number in pinned},
        rank=lambda number: priority_rank(pinned[number], config.tickets.priorities, config.tickets.fixes),
        place=listed.__getitem__ if config.tickets.order == "listed" else int,
    )


def _circular(needs: Needs) -> dict[int, Decision]:
    """Return the decisions on tickets that depend on themselves through others."""
    out: dict[int, Decision] = {}
    for cycle in find_cycles({number: needed & needs.keys() for number, needed in needs.items()}):
        path = " → ".join(f"#{number}" for number in cycle)
        for number in set(cycle):
            others = tuple(sorted(set(cycle) - {number}))
            reason = f"it depends on itself: {path}"
            out[number] = Decision(verdict=Verdict.BLOCKED, reason=reason, blocked_by=others)
    return out


def _refusal(ticket: Ticket, rules: Rules, fault: str, standing: Standing) -> Decision | None:
    """Return why a ticket is not merged, or None if it is ready; ``fault`` is why its branch was not fetched."""
    if reason := why_not(ticket, rules):
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
