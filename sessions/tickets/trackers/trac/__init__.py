"""Tickets in Trac: read and written through its XML-RPC plugin."""

from __future__ import annotations

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.wiki import WIKI
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.trac.tracker import TracTracker

    return TracTracker(settings, surroundings.patience)


def _recognise(typed: str) -> str:
    """Accept any address: a Trac can be anywhere."""
    return typed


TRAC = TrackerKind(
    name="trac",
    title="Trac",
    noun="a Trac",
    connect=_connect,
    dialect=WIKI,
    recognise=_recognise,
    takes_any_address=True,
    tokens=("TRAC_USER", "TRAC_PASSWORD", "TRAC_AUTH", "TRAC_TOKEN"),
    merge_subjects=(r"(?:Trac #|#)(\d+): ",),
    ready=("positive_review",),
    milestone="current",
    prefix="tr#",
)
