"""Which tickets the day considers, and what makes one ready: the milestone, the target branch, the labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import Release, current_milestone
from sessions.source.stacked import carried_tickets
from sessions.terminal.errors import TrackerError, UsageError
from sessions.terminal.ticket_numbers import name_ticket, prefix_of
from sessions.tickets.eligibility import Rules, check_not_elsewhere
from sessions.tickets.model import Decision, Ticket, Verdict
from sessions.tickets.order import Needs, closure, find_cycles

# [tickets] target: tickets for any branch are taken, and all commits of a branch count as the ticket's own.
ANY_TARGET = "*"


def todays_rules(config: Config, release: Release, tickets: Sequence[Ticket], default: str = "") -> Rules:
    """Return what a ticket must have today, by its tracker if there are several.

    The milestone is the configured one; ``current`` stands for the tracker's milestone that follows the release. The
    target branch is the configured one, or else the branch that the day starts from, or else the repository's
    ``default`` branch.

    Raises :class:`TrackerError` if no milestone of the tracker follows the release.
    """
    if default in {ticket.branch for ticket in tickets}:
        default = ""  # the repository is a clone on this disk in which somebody works on a ticket
    rules = {
        tracker.prefix: _rules_of(tracker, release, [each for each in tickets if _is_in(tracker, each)], default)
        for tracker in config.tickets
    }
    first = rules[config.tickets[0].prefix]
    return replace(first, by_prefix=rules) if len(rules) > 1 else first


def _is_in(tracker: Tracker, ticket: Ticket) -> bool:
    return prefix_of(ticket.number) == tracker.prefix


def _rules_of(configured: Tracker, release: Release, tickets: Sequence[Ticket], default: str) -> Rules:
    milestone: str | None = configured.milestone or None
    if milestone == "current":
        known = {ticket.milestone for ticket in tickets if ticket.milestone}
        milestone = current_milestone(release.version, known)
        if milestone is None and known:
            raise TrackerError(
                f"No milestone of the tracker follows release {release.tag} (it has {', '.join(sorted(known))}): "
                "name one as [tickets] milestone."
            )
    target = configured.target or release.branch or default
    rules = Rules(
        ready=configured.ready,
        never=configured.never,
        milestone=milestone,
        target=None if target == ANY_TARGET else target or None,
        approvals=configured.approvals,
    )
    check_not_elsewhere(tickets, rules)
    return rules


def select_tickets(tickets: Sequence[Ticket], options: Options) -> tuple[Ticket, ...]:
    """Return all tickets, or those of ``--only`` with the tickets that they depend on or belong together with.

    Raises :class:`UsageError` for a number that the tracker does not have.
    """
    known = {ticket.number for ticket in tickets}
    for name, numbers in (("--only", options.only), ("--without", options.without)):
        if unknown := sorted(set(numbers) - known):
            raise UsageError(f"{name}: the tracker has no open ticket {unknown[0]}.")
    if not options.only:
        return tuple(tickets)
    company = {each.number: frozenset(each.depends) | frozenset(each.together) for each in tickets}
    selected = closure(frozenset(options.only), company)
    return tuple(ticket for ticket in tickets if ticket.number in selected)


def declared_needs(tickets: Sequence[Ticket]) -> Needs:
    """Return the numbers of the tickets that each ticket declares to depend on."""
    return {each.number: frozenset(each.depends) for each in tickets}


def carried_needs(
    tickets: Sequence[Ticket], tips: Mapping[int, str], mirror: Mirror, release: Release
) -> dict[int, frozenset[int]]:
    """Return the tickets whose branches each ticket's branch contains, as reviewed or as they are now."""
    heads = {each.number: frozenset({tips.get(each.number, ""), each.commit} - {""}) for each in tickets}
    present = mirror.present(frozenset[str]().union(*heads.values()))
    parents = ReleaseHistory(mirror.repository, release).new_commits(present)
    return carried_tickets({number: commits & present for number, commits in heads.items()}, parents)


def blocked_by_cycles(needs: Needs) -> dict[int, Decision]:
    """Return the decisions on tickets that depend on themselves through others."""
    out: dict[int, Decision] = {}
    for cycle in find_cycles({number: needed & needs.keys() for number, needed in needs.items()}):
        path = " → ".join(map(name_ticket, cycle))
        for number in set(cycle):
            others = tuple(sorted(set(cycle) - {number}))
            reason = f"it depends on itself: {path}"
            out[number] = Decision(verdict=Verdict.BLOCKED, reason=reason, blocked_by=others)
    return out
