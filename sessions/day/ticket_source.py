"""The trackers of a day, with access to the day's repositories."""

from __future__ import annotations

from functools import partial

from sessions.day.context import Day
from sessions.source.patch_branches import PatchBranches
from sessions.source.tag_signatures import tag_signature_fault
from sessions.tickets.trackers.configured import ConfiguredTrackers
from sessions.tickets.trackers.kind import Surroundings


def open_trackers(day: Day) -> ConfiguredTrackers:
    """Connect the configured trackers.

    Raises :class:`TrackerError` where the settings cannot be right, or credentials are missing.
    """
    branches = PatchBranches(mirror=day.mirror, release=day.release)
    surroundings = Surroundings(
        list_refs=day.mirror.list_refs,
        apply_patches=branches.apply,
        check_tag=partial(tag_signature_fault, day.mirror),
        folder=day.state,
    )
    return ConfiguredTrackers.connect(day.config.tickets, surroundings)
