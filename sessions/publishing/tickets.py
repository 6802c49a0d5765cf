"""What each ticket is told, through its tracker."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Literal, assert_never

from sessions.ledger.record import Record, RecordedTicket, State
from sessions.publishing.writes import Writes
from sessions.reporting import markdown, wiki
from sessions.terminal.console import Console
from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers import TicketSource


def report_address(configured: str) -> str:
    """Where tickets are pointed to: the configured address, else the run of GitHub Actions that we are part of."""
    run = [os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    actions = f"{run[0]}/{run[1]}/actions/runs/{run[2]}" if all(run) else ""
    return configured or actions


def tell_tickets(
    record: Record, tracker: TicketSource, console: Console, writes: Writes, *, publish: bool, url: str = ""
) -> tuple[int, ...] | None:
    """Tell every ticket of the record its verdict if ``publish``; else say how many would be told.

    A ticket that nobody has to act on (not eligible today) is not disturbed, and nobody is told of being integrated
    before the head is green. One ticket that cannot be told keeps nobody else from being told: ``writes`` knows of it.
    """
    concerned = [ticket for ticket in record.tickets if _is_told(record, ticket.verdict)]
    if not publish:
        console.detail(f"{len(concerned)} tickets would be told with --publish")
        return None
    told, changed = list[int](), 0
    for ticket in concerned:
        account = replace(_account(record, ticket, tracker.dialect), url=url)
        outcome = writes.attempt(account.number, partial(tracker.tell, account))
        changed += bool(outcome and outcome.changed)
        told += [account.number] if outcome and outcome.is_whole else []
    console.detail(f"{changed} of {len(concerned)} tickets told something new")
    return tuple(told)


def _is_told(record: Record, verdict: Verdict) -> bool:
    match verdict:
        case Verdict.CULPRIT | Verdict.CONFLICT | Verdict.BLOCKED | Verdict.UNFETCHABLE:
            return bool(record.probes)
        case Verdict.INTEGRATED | Verdict.ALREADY_MERGED:
            return record.state is State.GREEN
        case Verdict.INELIGIBLE | Verdict.NOT_REACHED:
            return False


def _account(record: Record, ticket: RecordedTicket, dialect: Literal["markdown", "wiki"]) -> Account:
    summary = Console.plain(f"{ticket.verdict}: {ticket.reason or 'with release ' + record.release}")
    return Account(
        number=ticket.number,
        verdict=ticket.verdict,
        commit=ticket.commit,
        summary=summary if len(summary) <= 140 else summary[:139] + "…",
        text=_text(record, ticket, dialect),
    )


def _text(record: Record, ticket: RecordedTicket, dialect: Literal["markdown", "wiki"]) -> str:
    match dialect:
        case "markdown":
            return markdown.account(record, ticket)
        case "wiki":
            return wiki.account(record, ticket)
        case _:
            assert_never(dialect)
