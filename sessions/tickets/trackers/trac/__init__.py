"""Tickets in Trac: read and written through its XML-RPC plugin."""

from __future__ import annotations

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.wiki import WIKI
from sessions.tickets.trackers.kind import Surroundings, TrackerKind
from sessions.tickets.trackers.trac.credentials import TRAC_VARIABLES
from sessions.tickets.trackers.trac.tracker import TracTracker

__all__ = ["TRAC", "TracTracker"]


def _connect(settings: Tracker, surroundings: Surroundings) -> TracTracker:
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
    tokens=TRAC_VARIABLES,
    merge_subjects=(r"(?:Trac #|#)(\d+): ",),
    ready=("positive_review",),
    milestone="current",
)
