"""What each ticket is told, through its tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.ledger.record import Record
from sessions.narrator import Narrator
from sessions.reporting.markdown import account
from sessions.tickets.model import Account, Verdict
from sessions.tickets.trackers import TicketSource


def tell_tickets(record: Record, tracker: TicketSource, narrator: Narrator, *, publish: bool) -> dict[str, Any]:
    """Tell every ticket of the record its verdict if ``publish``; else say how many would be told.

    A ticket that nobody has to act on (not eligible today) is not disturbed, and nobody is told of being integrated
    before the head is green.
    """
    certain = {"culprit", "conflict", "blocked", "unfetchable"} if record["probes"] else set()
    verdicts = certain | ({"integrated", "already-merged"} if record["state"] == "green" else set())
    concerned = [ticket for ticket in record["tickets"] if ticket["verdict"] in verdicts]
    if not publish:
        narrator.detail(f"{len(concerned)} tickets would be told with --publish")
        return {}
    changed = [ticket["number"] for ticket in concerned if tracker.tell(_account(record, ticket))]
    narrator.detail(f"{len(changed)} of {len(concerned)} tickets told something new")
    return {"tickets": [ticket["number"] for ticket in concerned]}


def _account(record: Record, ticket: Mapping[str, Any]) -> Account:
    verdict = Verdict(ticket["verdict"])
    summary = Narrator.plain(
        f"{verdict}: {ticket['reason']}" if ticket["reason"] else f"{verdict} in {record['branch']}"
    )
    return Account(
        number=ticket["number"],
        verdict=verdict,
        commit=ticket["commit"],
        summary=summary if len(summary) <= 140 else summary[:139] + "…",
        text=account(record, ticket),
    )
