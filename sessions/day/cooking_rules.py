"""The rules of "What's cooking", as the configuration has them."""

from __future__ import annotations

from sessions.reporting.cooking import CookingRules
from sessions.settings.configuration import Config


def cooking_rules(config: Config) -> CookingRules:
    """Return the rules: labels that make a ticket ready say nothing in release notes."""
    return CookingRules(
        ripe_after=config.cooking.ripe_after,
        stalled_after=config.cooking.stalled_after,
        note_labels=config.cooking.notes,
        plain_labels=tuple(
            label for tracker in config.tickets for label in (*tracker.ready, *tracker.never, *tracker.priorities)
        ),
    )
