"""From what the tracker says to the queue: who is ready, pinned to which commit, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sessions.config import Config
from sessions.errors import TrackerError, UsageError
from sessions.options import Options
from sessions.source.carrying import carried_tickets
from sessions.source.line import Queue
from sessions.source.mirror import Fetched, Mirror
from sessions.source.releases import Release, current_milestone
from sessions.source.soundness import fetch_sound
from sessions.tickets.dependencies import read_dependencies
from sessions.tickets.eligibility import Rules, check_not_elsewhere, priority_rank, why_not
from sessions.tickets.model import Ruling, Ticket, Verdict
from sessions.tickets.order import Needs, closure, find_cycles, merge_order


def todays_rules(config: Config, release: Release, tickets: Sequence[Ticket]) -> Rules:
    """What a ticket must have today.

    The configured milestone wins; ``current`` is the tracker's own milestone that the release works towards.

    Raises :class:`TrackerError` where there is none.
    """
    asked = config.tickets
    milestone: str | None = asked.milestone or None
    if milestone == "current":
        known = {ticket.milestone for ticket in tickets if ticket.milestone}
        milestone = current_milestone(release.version, known)
        if milestone is None and known:
            raise TrackerError(
                f"No milestone of the tracker follows release {release.tag} (there are {', '.join(sorted(known))}): "
                "name one as [tickets] milestone."
            )
    rules = Rules(ready=asked.ready, never=asked.never, milestone=milestone)
    check_not_elsewhere(tickets, rules)
    return rules


def choose(tickets: Sequence[Ticket], options: Options) -> tuple[Ticket, ...]:
    """The tickets that the day is about: all, or those of ``--only`` with what they depend on.

    Raises :class:`UsageError` for a number that the tracker does not have.
    """
    known = {ticket.number for ticket in tickets}
    for name, numbers in (("--only", options.only), ("--without", options.without)):
        if unknown := sorted(set(numbers) - known):
            raise UsageError(f"{name}: the tracker has no open ticket {unknown[0]}.")
    if not options.only:
        return tuple(tickets)
    wanted = closure(frozenset(options.only), declared_needs(tickets))
    return tuple(ticket for ticket in tickets if ticket.number in wanted)


def declared_needs(tickets: Sequence[Ticket]) -> Needs:
    """What each ticket says it depends on."""
    return {each.number: frozenset(read_dependencies(each.depends, number=each.number).hard) for each in tickets}


def draw_up(
    tickets: Sequence[Ticket],
    rules: Rules,
    mirror: Mirror,
    release: Release,
    config: Config,
    options: Options,
) -> Queue:
    """The queue of the day. Fetches the branches of all tickets, in one call."""
    branches = {ticket.number: ticket.branch for ticket in tickets if ticket.branch}
    fetched = fetch_sound(mirror, release, branches, submodules=config.project.submodules)
    tips = fetched.tips
    released = mirror.in_release(tips.values(), release)
    carried = _carried(tickets, tips, mirror, release)
    out = {each.number: ruling for each in tickets if (ruling := _ruling(each, rules, options, fetched, released))}
    declared = declared_needs(tickets)
    needs = {number: declared[number] | carried[number] for number in declared}
    eligible = {number: wanted for number, wanted in needs.items() if number not in out}
    for cycle in find_cycles({number: wanted & eligible.keys() for number, wanted in eligible.items()}):
        way = " → ".join(f"#{number}" for number in cycle)
        for number in set(cycle):
            others = tuple(sorted(set(cycle) - {number}))
            reason = f"it waits for itself: {way}"
            out[number] = Ruling(verdict=Verdict.BLOCKED, reason=reason, blocked_by=others)
            eligible.pop(number, None)
    pinned = {each.number: replace(each, commit=tips[each.number]) for each in tickets if each.number in eligible}
    listed = {each.number: place for place, each in enumerate(tickets)}
    order = merge_order(
        eligible,
        rank=lambda number: priority_rank(pinned[number], config.tickets.priorities),
        place=listed.__getitem__ if config.tickets.order == "listed" else int,
    )
    for number in order[options.limit :] if options.limit else ():
        out[number] = Ruling(verdict=Verdict.NOT_REACHED, reason=f"it comes after the first {options.limit} (--limit)")
    return Queue(
        tickets=tuple(pinned[number] for number in order if number not in out),
        needs=needs,
        carried={number: carried[number] - declared[number] for number in carried},
        out=out,
    )


def _carried(
    tickets: Sequence[Ticket], tips: Mapping[int, str], mirror: Mirror, release: Release
) -> dict[int, frozenset[int]]:
    seen = {each.number: frozenset({tips.get(each.number, ""), each.commit} - {""}) for each in tickets}
    here = mirror.present(frozenset[str]().union(*seen.values()))
    parents = mirror.new_commits(here, release)
    return carried_tickets({number: commits & here for number, commits in seen.items()}, parents)


def _ruling(
    ticket: Ticket, rules: Rules, options: Options, fetched: Fetched, released: frozenset[str]
) -> Ruling | None:
    if ticket.number in options.without:
        return Ruling(verdict=Verdict.INELIGIBLE, reason="left out by --without")
    if reason := why_not(ticket, rules):
        return Ruling(verdict=Verdict.INELIGIBLE, reason=reason)
    tip = fetched.tips.get(ticket.number)
    if tip is None:
        why = fetched.faults.get(ticket.number, f"the repository has no branch {ticket.branch}")
        return Ruling(verdict=Verdict.UNFETCHABLE, reason=why)
    if ticket.commit and tip != ticket.commit:
        moved = f"its branch moved since review: {ticket.commit[:10]} was reviewed, and it is at {tip[:10]}"
        return Ruling(verdict=Verdict.INELIGIBLE, reason=moved)
    if tip in released:
        return Ruling(verdict=Verdict.ALREADY_MERGED, reason="the release contains it")
    return None
