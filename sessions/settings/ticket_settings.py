"""``[tickets]`` of the configuration: where tickets come from, and which of them are ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sessions.settings.keys import key

# The package that ``select = "best"`` needs. Its version 1.16 prints a line on standard output, where ``--json``
# prints the record.
HIGHS = "highspy>=1.12,<1.16"


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """``[tickets]``: where tickets come from, and which of them are ready.

    ``tracker`` is a name in :data:`sessions.tickets.trackers.TRACKERS`, which checks it when the file is loaded.
    """

    tracker: str = key("Kind of tracker.", "file")
    url: str = key("The tracker: a TOML file; `sample:` is the bundled sample's.")
    milestone: str = key("`current` (from the release), a milestone's name, or empty for any.", "current")
    target: str = key("The branch that tickets are for (empty: the default branch), or `*` for any.", "")
    ready: tuple[str, ...] = key("Labels or statuses, one of which a ticket must have.", ())
    never: tuple[str, ...] = key("Labels or statuses that keep a ticket out.", ())
    priorities: tuple[str, ...] = key("Labels that give a ticket's priority, highest first.", ())
    require_checks: tuple[str, ...] = key("Checks that must have passed on a pull request's head.", ())
    approvals: int = key("How many people must have approved a ticket, where the tracker tells who did.", 0)
    at_fault: str = key("Label or workflow action for a ticket that is at fault; empty: labels stay.", "")
    flake_label: str = key(
        "Label of the issues that `report -- --publish` opens, one for each flaky test; empty: none. See flakes.md.", ""
    )
    fixes: tuple[str, ...] = key("Labels of tickets that mend the release: the baseline is measured with them.", ())
    order: Literal["number", "listed"] = key("Who comes first of equals: lower number, or listed first.", "number")
    select: Literal["first", "best"] = key(
        "`first`: each ticket that merges with those before it; `best`: the set with most tickets of high priority.",
        "first",
    )
