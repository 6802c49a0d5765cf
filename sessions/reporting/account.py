"""The comment that a ticket gets, in the markup of its tracker."""

from __future__ import annotations

from sessions.ledger.record import Record, RecordedTicket
from sessions.reporting.common_causes import release_reasons
from sessions.reporting.templates import Filters, render
from sessions.tickets.dialects import Dialect


def render_account(record: Record, ticket: RecordedTicket, dialect: Dialect) -> str:
    """Return the comment: the ticket's verdict, the reason, and the evidence.

    The text does not change from day to day as long as the verdict stays, so that it is not written again.
    """
    filters: Filters = {
        "plain": dialect.escape,
        "fenced": dialect.fence,
        "strong": dialect.strong,
        "code": dialect.code,
        "tickets": dialect.references,
    }
    return render(
        "account.jinja",
        filters,
        record=record,
        ticket=ticket,
        reasons=release_reasons(record, ticket),
        most=dialect.most_details,
    )
