"""Where a flaky test that a soak found comes from."""

from __future__ import annotations

from enum import StrEnum


class FlakeSource(StrEnum):
    """Whether a ticket that changes the file of a flaky test is where the flake comes from."""

    TICKET = "ticket"  # it fails in some runs with the ticket, and without it always passes or does not exist
    BEFORE = "before"  # it fails in some runs without the ticket, too
    OTHERS = "others"  # it passes in all runs with the ticket alone: other tickets of the head are needed
    ALWAYS = "always"  # it passes with the whole gate, and always fails if only its file runs
    UNCLEAR = "unclear"  # the runs that could be made do not show it
