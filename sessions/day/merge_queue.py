"""From what the tracker says to the queue: who is ready, pinned to which commit, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.source.fetching import Fetched
from sessions.source.line import Queue
from sessions.source.mirror import Mirror
from sessions.source.releases import Release, current_milestone
from sessions.source.soundness import fetch_sound
from sessions.source.stacked import carried_tickets
from sessions.source.standing import Standing
from sessions.terminal.errors import TrackerError, UsageError
from sessions.tickets.eligibility import Rules, check_not_elsewhere, priority_rank, why_not
from sessions.tickets.model import Decision, Ticket, Verdict
from sessions.tickets.order import Needs, closure, find_cycles, merge_order
from sessions.tickets.trackers import merge_subjects

# [tickets] target: tickets for any branch, and what a branch carries is the ticket's own.
ANY_TARGET = "*"


def todays_rules(config: Config, release: Release, tickets: Sequence[Ticket], default: str = "") -> Rules:
    """What a ticket must have today.

    The configured milestone wins; ``current`` is the tracker's own milestone that the release works towards. The
    configured target branch wins as well; else it is the branch that the day starts from, or the repository's
    ``default`` branch.

    Raises :class:`TrackerError` where there is no such milestone.
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
    if default in {ticket.branch for ticket in tickets}:
        default = ""  # a clone on this disk, in which somebody works on a ticket
    target = asked.target or release.branch or default
    rules = Rules(
        ready=asked.ready,
        never=asked.never,
        milestone=milestone,
        target=None if target == ANY_TARGET else target or None,
    )
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
    return {each.number: frozenset(each.depends) for each in tickets}


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
    elsewhere = {ticket.number: ticket.repository for ticket in tickets if ticket.repository}
    fetched = fetch_sound(mirror, release, branches, elsewhere, submodules=config.project.submodules)
    tips = fetched.tips
    with closing(Standing.of(tips, mirror, release, rules.target, merge_subjects())) as standing:
        carried = _carried(tickets, tips, mirror, release)
        out = {
            each.number: decision for each in tickets if (decision := _ruling(each, rules, options, fetched, standing))
        }
        carried = standing.with_sequels(carried, [number for number in tips if number not in out])
        declared = declared_needs(tickets)
        needs = {number: declared[number] | carried[number] for number in declared}
        out |= _circular({number: wanted for number, wanted in needs.items() if number not in out})
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
    """The eligible tickets in merge order."""
    listed = {each.number: place for place, each in enumerate(tickets)}
    return merge_order(
        {number: needs[number] for number in pinned},
        rank=lambda number: priority_rank(pinned[number], config.tickets.priorities),
        place=listed.__getitem__ if config.tickets.order == "listed" else int,
    )


def _circular(needs: Needs) -> dict[int, Decision]:
    """The rulings on tickets that wait for themselves."""
    out: dict[int, Decision] = {}
    for cycle in find_cycles({number: wanted & needs.keys() for number, wanted in needs.items()}):
        way = " → ".join(f"#{number}" for number in cycle)
        for number in set(cycle):
            others = tuple(sorted(set(cycle) - {number}))
            out[number] = Decision(verdict=Verdict.BLOCKED, reason=f"it waits for itself: {way}", blocked_by=others)
    return out


def _carried(
    tickets: Sequence[Ticket], tips: Mapping[int, str], mirror: Mirror, release: Release
) -> dict[int, frozenset[int]]:
    seen = {each.number: frozenset({tips.get(each.number, ""), each.commit} - {""}) for each in tickets}
    here = mirror.present(frozenset[str]().union(*seen.values()))
    parents = mirror.new_commits(here, release)
    return carried_tickets({number: commits & here for number, commits in seen.items()}, parents)


def _ruling(ticket: Ticket, rules: Rules, options: Options, fetched: Fetched, standing: Standing) -> Decision | None:
    if ticket.number in options.without:
        return Decision(verdict=Verdict.INELIGIBLE, reason="left out by --without")
    if reason := why_not(ticket, rules):
        return Decision(verdict=Verdict.INELIGIBLE, reason=reason)
    tip = fetched.tips.get(ticket.number)
    if tip is None:
        why = fetched.faults.get(ticket.number, f"the repository has no branch {ticket.branch}")
        return Decision(verdict=Verdict.UNFETCHABLE, reason=why)
    if ticket.commit and tip != ticket.commit:
        moved = f"its branch moved since review: {ticket.commit[:10]} was reviewed, and it is at {tip[:10]}"
        return Decision(verdict=Verdict.INELIGIBLE, reason=moved)
    if reason := standing.contained(ticket.number):
        return Decision(verdict=Verdict.ALREADY_MERGED, reason=reason)
    return None
