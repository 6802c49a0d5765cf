"""``[hints]`` of the configuration: the labels by which a release manager decides against the rules in the tracker."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.settings.keys import key


@dataclass(frozen=True, kw_only=True)
class HintLabels:
    """``[hints]``: labels that are hints for the tickets that have them, until they are removed."""

    keep_out: tuple[str, ...] = key("Labels of tickets that are left out, although they are ready.", ())
    let_in: tuple[str, ...] = key("Labels of tickets that are taken, although a rule is against it.", ())
    urgent: tuple[str, ...] = key("Labels of tickets that come before all priorities.", ())
