"""The tickets of a line of backports: each branch is replaced by its own changes, applied to the line's release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from sessions.day.context import Day
from sessions.source.backports import Backport, Backporter
from sessions.source.fetching import local_refs
from sessions.source.merge_commit import sign
from sessions.source.release_history import DEFAULT_REF
from sessions.terminal.errors import SourceError
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import file_name
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Conflict, Decision, Ticket, Verdict
from sessions.tickets.trackers import merge_subjects


@dataclass(frozen=True, kw_only=True)
class BackportedTickets:
    """``tickets`` with the branches to merge, and the decisions on those whose changes do not apply."""

    tickets: tuple[Ticket, ...]
    decisions: Mapping[int, Decision] = field(default_factory=dict)


def backport(day: Day, tickets: Sequence[Ticket], rules: Rules) -> BackportedTickets:
    """Return the tickets as they are merged today: unchanged, unless the day's line is one of backports.

    A ticket that is not ready, or whose branch moved since its review, stays as it is.

    Raises :class:`SourceError` if git fails, or the repository has no branch that the tickets are for.
    """
    if not day.options.line or not day.config.line(day.options.line).backport:
        return BackportedTickets(tickets=tuple(tickets))
    ready = [ticket for ticket in tickets if why_not(ticket, rules) is None]
    elsewhere = {ticket.number: ticket.repository for ticket in ready if ticket.repository}
    tips = day.mirror.fetch_branches({ticket.number: ticket.branch for ticket in ready}, elsewhere).tips
    sound = [each for each in ready if each.number in tips and each.commit in ("", tips[each.number])]
    with closing(_backporter(day, rules)) as backporter:
        made = backporter.make(sound, tips)
    applied = {
        each.number: _with_branch(day, each, tips[each.number], made[each.number])
        for each in sound
        if made[each.number].commit
    }
    decisions = {n: _decision(each, day) for n, each in made.items() if not each.commit}
    day.console.detail(f"{counted(len(applied), 'backport')} of {counted(len(sound), 'ready ticket')} apply")
    return BackportedTickets(tickets=tuple(applied.get(each.number, each) for each in tickets), decisions=decisions)


def _backporter(day: Day, rules: Rules) -> Backporter:
    main = day.mirror.target(rules.target) if rules.target else ""
    main = main or next(iter(local_refs(day.mirror.repository, DEFAULT_REF).values()), "")
    if not main:
        raise SourceError("Backports come from a branch, and the repository has no default one: set [tickets] target.")
    signature = sign(day.config.project.committer, day.options.date)
    return Backporter(day.mirror.repository, day.release, main, merge_subjects(day.config.tickets), signature)


def _with_branch(day: Day, ticket: Ticket, tip: str, made: Backport) -> Ticket:
    """Return the ticket with its backport, which the mirror keeps, as its branch."""
    name = f"backports/{day.options.line}/{file_name(ticket.number)}"
    day.mirror.repository.keep(name, made.commit)
    place = str(day.mirror.repository.path)
    return replace(ticket, branch=f"refs/integrand/{name}", repository=place, commit="", origin=tip)


def _decision(made: Backport, day: Day) -> Decision:
    assert made.clash is not None  # noqa: S101  it was not made
    numbers = tuple(each.number for each in made.missing if each.number)
    reason = f"it does not apply to {day.release.tag} in {', '.join(sorted(made.clash.paths)[:3])}"
    if made.missing:
        names, them = " and ".join(map(str, made.missing)), "it" if len(made.missing) == 1 else "them"
        reason = f"it needs {names}, which {day.options.line} lacks: without {them}, {reason}"
    else:
        reason = f"{reason}, also after earlier changes to the same files: backport it by hand"
    conflicts = tuple(
        Conflict(with_=numbers, path=each.path, lines=each.lines, kind=each.kind, hunk=each.hunk)
        for each in made.clash.places
    )
    return Decision(verdict=Verdict.CONFLICT, reason=reason, conflicts=conflicts)
