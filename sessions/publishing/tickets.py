"""What each ticket is told, through its tracker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, assert_never

from sessions.ledger.record import Record
from sessions.publishing.writes import Writes
from sessions.reporting import markdown, wiki
from sessions.terminal.console import Console
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers import TicketSource


def report_address(configured: str) -> str:
    """Where tickets are pointed to: the configured address, else the run of GitHub Actions that we are part of."""
    run = [os.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    actions = f"{run[0]}/{run[1]}/actions/runs/{run[2]}" if all(run) else ""
    return configured or actions


def tell_tickets(
    record: Record, tracker: TicketSource, console: Console, writes: Writes, *, publish: bool, url: str = ""
) -> dict[str, Any]:
    """Tell every ticket of the record its verdict if ``publish``; else say how many would be told.

    A ticket that nobody has to act on (not eligible today) is not disturbed, and nobody is told of being integrated
    before the head is green. One ticket that cannot be told keeps nobody else from being told: ``writes`` knows of it.
    """
    certain = {"culprit", "conflict", "blocked", "unfetchable"} if record["probes"] else set()
    verdicts = certain | ({"integrated", "already-merged"} if record["state"] == "green" else set())
    concerned = [ticket for ticket in record["tickets"] if ticket["verdict"] in verdicts]
    if not publish:
        console.detail(f"{len(concerned)} tickets would be told with --publish")
        return {}
    told, changed = list[int](), 0
    for ticket in concerned:
        account = replace(_account(record, ticket, tracker.dialect), url=url)
        outcome = writes.attempt(account.number, partial(tracker.tell, account))
        changed += bool(outcome and outcome.changed)
        told += [account.number] if outcome and outcome.is_whole else []
    console.detail(f"{changed} of {len(concerned)} tickets told something new")
    return {"tickets": told}


def _account(record: Record, ticket: Mapping[str, Any], dialect: Literal["markdown", "wiki"]) -> Account:
    verdict = Verdict(ticket["verdict"])
    summary = harmless_line(f"{verdict}: {ticket['reason'] or 'with release ' + record['release']}")
    return Account(
        number=ticket["number"],
        verdict=verdict,
        commit=ticket["commit"],
        summary=summary if len(summary) <= 140 else summary[:139] + "…",
        text=_text(record, ticket, dialect),
    )


def _text(record: Record, ticket: Mapping[str, Any], dialect: Literal["markdown", "wiki"]) -> str:
    match dialect:
        case "markdown":
            return markdown.account(record, ticket)
        case "wiki":
            return wiki.account(record, ticket)
        case _:
            assert_never(dialect)
