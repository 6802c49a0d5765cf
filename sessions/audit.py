"""``nox -s audit``: find with plain git which ticket made each difference between a release and a branch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.auditing.branch_audit import Audit, audit_branch
from sessions.auditing.branch_steps import AllowedCommits, read_steps
from sessions.day.context import Day, open_day
from sessions.day.ticket_source import open_trackers
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError, UsageError
from sessions.tickets.trackers import merge_subjects, request_refs

# How many faults the terminal shows.
_SHOWN = 20

_BRANCH, _FROM = "refs/integrand/audit/branch", "refs/integrand/audit/from"


def audit(options: Options, console: Console) -> tuple[Mapping[str, Any], str]:
    """Audit ``--branch`` since ``--from`` (the newest release); return the record, and an error if the audit is red."""
    if not options.branch:
        raise UsageError("Name the branch to audit: nox -s audit -- --branch NAME [--from TAG].")
    with open_day(options, console) as day:
        start, end = _ends(day, options.branch)
        console.step(f"Audit of {options.branch} ({end[:10]}) since {options.since or day.release.tag} ({start[:10]})")
        found = audit_branch(day.mirror.repository, start, end, _known(day, start, end))
    _show(found, console)
    record = {"branch": options.branch, **found.record()}
    if not found.faults:
        return record, ""
    return record, f"The audit of {options.branch} is red: {found.verdict}."


def _ends(day: Day, branch: str) -> tuple[str, str]:
    """Return the commits between which to audit."""
    mirror, since = day.mirror, day.options.since
    ref = branch if branch in mirror.remote else mirror.refs.head_ref(branch)
    if ref is None:
        raise SourceError(f"The repository has no branch {branch!r}.")
    refs = {_BRANCH: ref}
    if since:
        tag = f"refs/tags/{since}"
        if tag not in mirror.remote:
            raise SourceError(f"The repository has no tag {since!r}.")
        refs[_FROM] = tag
    mirror.fetch(refs)
    names = (f"{_FROM}^{{commit}}" if since else day.release.commit, f"{_BRANCH}^{{commit}}")
    start, end = (mirror.repository.git("rev-parse", "--verify", name).text for name in names)
    return start, end


def _known(day: Day, start: str, end: str) -> AllowedCommits:
    """The commits of all tickets that the tracker lists, and of pull requests that the branch names."""
    tickets = open_trackers(day).read()
    elsewhere = {ticket.number: ticket.repository for ticket in tickets if ticket.repository}
    names = merge_subjects(day.config.tickets)
    branches = {ticket.number: ticket.branch for ticket in tickets if ticket.branch}
    messages = [step.message for step in read_steps(day.mirror.repository, start, end)]
    for number in names.numbers(messages):
        for request in filter(day.mirror.refs.tip, request_refs(number)):
            branches.setdefault(number, request)
    tips = day.mirror.fetch_branches(branches, elsewhere).tips
    pinned = {ticket.number: ticket.commit for ticket in tickets if ticket.commit}
    reviewed = {number: commit for number, commit in pinned.items() if day.mirror.present([commit])}
    return AllowedCommits(tickets=tips | reviewed, subjects=names)


def _show(found: Audit, console: Console) -> None:
    for step, paths in found.by_hand:
        console.detail(f"{step}: resolved by hand in {', '.join(paths)}")
    for merge in found.one_base:
        console.detail(
            f"{merge.step}: merged from one merge base of several, {merge.base[:10]}; from all of them git makes "
            f"something else of {', '.join(merge.paths)}"
        )
    owners = dict[str, set[str]]()
    for difference in found.differences:
        for owner in difference.tickets or ("no ticket",):
            owners.setdefault(owner, set()).add(difference.path)
    for owner, changed in owners.items():
        console.detail(f"{owner}: {', '.join(sorted(changed)[:5])}{' …' if len(changed) > 5 else ''}")
    for fault in found.faults[:_SHOWN]:
        console.bad(fault.text)
        for line in fault.shown.split("\n") if fault.shown else ():
            console.detail(line)
    if len(found.faults) > _SHOWN:
        console.bad(f"{len(found.faults) - _SHOWN} more: --json has them all")
    if not found.faults:
        console.good(f"green: {found.verdict}.")
