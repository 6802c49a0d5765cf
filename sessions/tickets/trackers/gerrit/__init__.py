"""Changes on Gerrit: found by a query, and told by a message and a vote."""

from __future__ import annotations

import re

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.plain import PLAIN_TEXT
from sessions.tickets.trackers.gerrit.address import GERRIT_VARIABLES, gerrit_project_address, read_gitreview
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind

_ADDRESS = re.compile(r"^https?://[^/]+(/[^/]+)*?/(q/|c/.+/\+|admin/repos/)")


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.gerrit.tracker import GerritTracker

    return GerritTracker(settings, surroundings.patience)


def _recognise(typed: str) -> str:
    return typed if _ADDRESS.search(typed) else gerrit_project_address(typed)


GERRIT = TrackerKind(
    name="gerrit",
    title="Gerrit",
    tickets="changes",
    noun="a project or a query on Gerrit",
    connect=_connect,
    dialect=PLAIN_TEXT,
    recognise=_recognise,
    recognise_origin=gerrit_project_address,
    sign=".gitreview",
    recognise_file=read_gitreview,
    tokens=GERRIT_VARIABLES,
    read_by_init=True,
    ready=("submittable",),
    prefix="gr#",
)
