"""Patch series in a mailbox: an mbox, a maildir or a public-inbox archive. Answers are drafts; nothing is sent."""

from __future__ import annotations

import re

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.plain import PLAIN_TEXT
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind

_ADDRESS = re.compile(r"(.*/)?[^/]+\.mbox|https://(lore\.kernel\.org|public-inbox\.org)/.+|(.*/)?[Mm]aildir/?")


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.mail.tracker import MailTracker

    return MailTracker(settings, surroundings)


def _recognise(typed: str) -> str:
    return typed if _ADDRESS.fullmatch(typed) else ""


MAIL = TrackerKind(
    name="mail",
    title="The mailbox",
    noun="a mailbox (*.mbox, a maildir, a query at lore.kernel.org)",
    tickets="patch series",
    connect=_connect,
    dialect=PLAIN_TEXT,
    recognise=_recognise,
    is_file=True,
    prefix="ml#",
)
