"""A list of branches, of the project's repository and of others, as linux-next and git.git integrate them."""

from __future__ import annotations

import re

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind


def _connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
    from sessions.tickets.trackers.branches.tracker import BranchList

    return BranchList(settings, surroundings)


def _recognise(typed: str) -> str:
    return typed if re.fullmatch(r"(.*/)?(Trees|branches\.(toml|txt))", typed) else ""


BRANCHES = TrackerKind(
    name="branches",
    title="The list",
    noun="a list of branches (Trees, branches.toml)",
    connect=_connect,
    dialect=MARKDOWN,
    recognise=_recognise,
    is_file=True,
    prefix="br#",
)
