"""Write verdicts to their tickets through the tracker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from sessions.ledger.record import Record, RecordedTicket, State
from sessions.publishing.writes import Writes
from sessions.reporting.account import render_account
from sessions.reporting.verdicts import VERDICTS
from sessions.terminal.console import Console
from sessions.terminal.harmless_text import harmless_line
from sessions.terminal.phrases import counted
from sessions.tickets.dialects import Dialect
from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers.kind import TicketSource

# Characters: GitHub takes no more in the description of a status.
_LONGEST_SUMMARY = 140


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
    lines: Mapping[str, Record] = MappingProxyType({}),
) -> tuple[int, ...] | None:
    """Write to every ticket of the record its verdict if ``publish``; else say how many would be written to.

    Return the tickets whose comment, labels and status are up to date; ``None`` without ``publish``.

    A ticket that is not eligible today gets nothing, as its author need not act, and no ticket is called integrated
    before the head is green and its branch is pushed, where it is to be: the branch is what the comment speaks of.
    ``lines`` are the newest records of all release lines, by name, this one among them: a ticket has one comment, which
    says what became of it in each.

    ``writes`` collects failures: one ticket's failure does not stop the others.
    """
    concerned = [ticket for ticket in record.tickets if _is_told(record, ticket.verdict)]
    if record.unpushed:
        count = sum(ticket.verdict is Verdict.INTEGRATED for ticket in record.tickets)
        console.detail(f"{count} integrated tickets are told once the branch is pushed")
    if not publish:
        console.detail(f"{counted(len(concerned), 'ticket')} would get a comment with --publish")
        return None
    complete, changed = list[int](), 0
    for ticket in concerned:
        account = _account_of_lines(lines, ticket.number, dialect) if lines else _account(record, ticket, dialect)
        account = replace(account, url=url)
        result = writes.attempt(account.number, partial(tracker.tell, account))
        changed += bool(result and result.changed)
        complete += [account.number] if result and result.is_whole else []
    console.detail(f"{changed} of {len(concerned)} tickets told something new")
    return tuple(complete)


def _is_told(record: Record, verdict: Verdict) -> bool:
    if record.state is State.RUNNING:
        return False
    match verdict:
        case Verdict.CULPRIT | Verdict.FLAKY | Verdict.CONFLICT | Verdict.BLOCKED | Verdict.UNFETCHABLE:
            return bool(record.probes)
        case Verdict.INTEGRATED:
            return record.state is State.GREEN and not record.unpushed
        case Verdict.ALREADY_MERGED:
            return record.state is State.GREEN
        case Verdict.INELIGIBLE | Verdict.NOT_REACHED:
            return False


def _account_of_lines(lines: Mapping[str, Record], number: int, dialect: Dialect) -> Account:
    """Return one account of a ticket in several lines. Its verdict is the one that asks most of the author."""
    accounts = list[Account]()
    for name, record in lines.items():
        for ticket in record.tickets:
            if ticket.number == number and _is_told(record, ticket.verdict):
                account = _account(record, ticket, dialect)
                text = f"{dialect.strong(f'Line {name}:')}\n\n{account.text}"
                accounts.append(replace(account, summary=f"{name} {account.summary}", text=text))
    worst = min(accounts, key=lambda account: list(VERDICTS).index(account.verdict))
    text = "\n\n".join(account.text for account in accounts)
    return replace(worst, summary=_shortened("; ".join(account.summary for account in accounts)), text=text)


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_SUMMARY else line[: _LONGEST_SUMMARY - 1] + "…"


def _account(record: Record, ticket: RecordedTicket, dialect: Dialect) -> Account:
    summary = harmless_line(f"{ticket.verdict}: {ticket.reason or 'with release ' + record.release}")
    return Account(
        number=ticket.number,
        verdict=ticket.verdict,
        commit=ticket.origin or ticket.commit,
        summary=_shortened(summary),
        text=render_account(record, ticket, dialect),
    )
