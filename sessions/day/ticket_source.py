"""The tickets of a day's trackers, which have access to the day's repositories."""

from __future__ import annotations

from functools import partial

from sessions.day.context import Day
from sessions.source.patch_branches import PatchBranches
from sessions.source.tag_signatures import tag_signature_fault
from sessions.tickets.model import Ticket
from sessions.tickets.trackers.configured import read_trackers
from sessions.tickets.trackers.kind import Surroundings


def read_tickets(day: Day) -> tuple[Ticket, ...]:
    """Return all open tickets of the configured trackers.

    Raises :class:`TrackerError` where one of them cannot be read, its settings cannot be right, or credentials are
    missing.
    """
    branches = PatchBranches(mirror=day.mirror, release=day.release)
    surroundings = Surroundings(
        list_refs=day.mirror.list_refs,
        apply_patches=branches.apply,
        check_tag=partial(tag_signature_fault, day.mirror),
        folder=day.state,
    )
    return read_trackers(day.config.tickets, surroundings)
