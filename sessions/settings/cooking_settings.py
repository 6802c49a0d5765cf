"""``[cooking]`` of the configuration: the ages and headings of "What's cooking" and of the release notes."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.settings.keys import key


@dataclass(frozen=True, kw_only=True)
class CookingSettings:
    """``[cooking]``: when a ticket is ripe or stalled, and the headings of the release notes."""

    ripe_after: int = key("Number of green days in a row, with the same commit, after which a ticket is ripe.", 7)
    stalled_after: int = key("Number of days without progress after which a ticket that is not in is stalled.", 21)
    notes: tuple[str, ...] = key("Labels that are headings of the release notes, in order; empty: all labels.", ())
