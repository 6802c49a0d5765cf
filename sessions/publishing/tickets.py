"""Write verdicts to their tickets through the tracker."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from sessions.ledger.record import Record, RecordedTicket, State
from sessions.publishing.writes import Writes
from sessions.reporting.account import render_account
from sessions.terminal.console import Console
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.dialects import Dialect
from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers.kind import TicketSource


def report_address(configured: str) -> str:
    """Return the report's address for comments: the configured one, or else that of the current GitHub Actions run."""
    run = [os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    actions = f"{run[0]}/{run[1]}/actions/runs/{run[2]}" if all(run) else ""
    return configured or actions


def tell_tickets(
    record: Record,
    tracker: TicketSource,
    dialect: Dialect,
    console: Console,
    writes: Writes,
    *,
    publish: bool,
    url: str = "",
) -> tuple[int, ...] | None:
    """Write to every ticket of the record its verdict if ``publish``; else say how many would be written to.

    Return the tickets whose comment, labels and status are up to date; ``None`` without ``publish``.

    A ticket that is not eligible today gets nothing, as its author need not act, and no ticket is called integrated
    before the head is green and its branch is pushed, where it is to be: the branch is what the comment speaks of.
    ``writes`` collects failures: one ticket's failure does not stop the others.
    """
    concerned = [ticket for ticket in record.tickets if _is_told(record, ticket.verdict)]
    if record.unpushed:
        count = sum(ticket.verdict is Verdict.INTEGRATED for ticket in record.tickets)
        console.detail(f"{count} integrated tickets are told once the branch is pushed")
    if not publish:
        console.detail(f"{len(concerned)} tickets would get a comment with --publish")
        return None
    complete, changed = list[int](), 0
    for ticket in concerned:
        account = replace(_account(record, ticket, dialect), url=url)
        result = writes.attempt(account.number, partial(tracker.tell, account))
        changed += bool(result and result.changed)
        complete += [account.number] if result and result.is_whole else []
    console.detail(f"{changed} of {len(concerned)} tickets told something new")
    return tuple(complete)


def _is_told(record: Record, verdict: Verdict) -> bool:
    match verdict:
        case Verdict.CULPRIT | Verdict.FLAKY | Verdict.CONFLICT | Verdict.BLOCKED | Verdict.UNFETCHABLE:
            return bool(record.probes)
        case Verdict.INTEGRATED:
            return record.state is State.GREEN and not record.unpushed
        case Verdict.ALREADY_MERGED:
            return record.state is State.GREEN
        case Verdict.INELIGIBLE | Verdict.NOT_REACHED:
            return False


def _account(record: Record, ticket: RecordedTicket, dialect: Dialect) -> Account:
    summary = harmless_line(f"{ticket.verdict}: {ticket.reason or 'with release ' + record.release}")
    return Account(
        number=ticket.number,
        verdict=ticket.verdict,
        commit=ticket.origin or ticket.commit,
        summary=summary if len(summary) <= 140 else summary[:139] + "…",
        text=render_account(record, ticket, dialect),
    )
