"""How verdicts, states and purposes are called, ranked, coloured, marked and counted: one table for each.

A test compares each table with its enum. A member's own text is its CSS class in ``page.css``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sessions.ledger.record import GateState, Purpose, State
from sessions.tickets.model import Verdict


class Group(StrEnum):
    """How a day's tickets are counted."""

    INTEGRATED = "integrated"
    NEEDS_ACTION = "needs action"
    WAITING = "waiting"
    UNCOUNTED = "uncounted"


@dataclass(frozen=True, kw_only=True)
class VerdictStyle:
    """A verdict in the report. ``stays_out`` says that the project wanted the ticket in."""

    meaning: str
    symbol: str
    group: Group
    stays_out: bool = False


@dataclass(frozen=True, kw_only=True)
class StateStyle:
    """A day's state in the report: a headline, signs for the page and for Markdown, the tab's colour."""

    title: str
    symbol: str
    emoji: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class PurposeStyle:
    """A probe's purpose in the report: in the legend, and as a column's head."""

    legend: str
    column: str


# Those first that somebody must act on; then the head; then those that were never candidates.
VERDICTS: Mapping[Verdict, VerdictStyle] = {
    Verdict.CULPRIT: VerdictStyle(meaning="breaks a test", symbol="✕", group=Group.NEEDS_ACTION, stays_out=True),
    Verdict.FLAKY: VerdictStyle(meaning="brings a flaky test", symbol="~", group=Group.NEEDS_ACTION, stays_out=True),
    Verdict.CONFLICT: VerdictStyle(meaning="does not merge", symbol="≠", group=Group.NEEDS_ACTION, stays_out=True),
    Verdict.BLOCKED: VerdictStyle(
        meaning="depends on a ticket that is out", symbol="⊘", group=Group.WAITING, stays_out=True
    ),
    Verdict.UNFETCHABLE: VerdictStyle(meaning="cannot be fetched", symbol="?", group=Group.WAITING, stays_out=True),
    Verdict.NOT_REACHED: VerdictStyle(meaning="was not tested", symbol="…", group=Group.WAITING),
    Verdict.INTEGRATED: VerdictStyle(meaning="is part of the head", symbol="✓", group=Group.INTEGRATED),
    Verdict.ALREADY_MERGED: VerdictStyle(meaning="is part of the release", symbol="=", group=Group.UNCOUNTED),
    Verdict.INELIGIBLE: VerdictStyle(meaning="is not ready", symbol="\N{EN DASH}", group=Group.UNCOUNTED),
}


def verdict_text(verdict: Verdict, *, is_plan: bool) -> str:
    """Return how a verdict is called in the report: a plan has merged tickets, but has integrated none.

    >>> verdict_text(Verdict.INTEGRATED, is_plan=True)
    'would be merged'
    """
    return "would be merged" if is_plan and verdict is Verdict.INTEGRATED else verdict.replace("-", " ")


# The same order, but what is in comes first.
HEAD_FIRST = sorted(VERDICTS, key=lambda verdict: VERDICTS[verdict].group is not Group.INTEGRATED)
STATES: Mapping[State, StateStyle] = {
    State.GREEN: StateStyle(title="Green", symbol="✓", emoji="🟢", colour="1a7f4b"),
    State.RED: StateStyle(title="Red", symbol="✕", emoji="🔴", colour="c22e2e"),
    State.PAUSED: StateStyle(title="Paused", symbol="…", emoji="🟠", colour="b2560d"),
    State.EMPTY: StateStyle(title="Empty", symbol="\N{EN DASH}", emoji="⚪", colour="6d6861"),
    State.BROKEN: StateStyle(title="Broken", symbol="!", emoji="🔴", colour="c22e2e"),
    State.RUNNING: StateStyle(title="Running", symbol="…", emoji="🟠", colour="b2560d"),
}
GATE_SYMBOLS: Mapping[GateState, str] = {
    GateState.GREEN: "✓",
    GateState.RED: "✕",
    GateState.PENDING: "\N{EN DASH}",
}
PURPOSES: Mapping[Purpose, PurposeStyle] = {
    Purpose.RELEASE: PurposeStyle(legend="on the release", column="Release"),
    Purpose.HEAD: PurposeStyle(legend="on the head", column="Head"),
    Purpose.FLAKES: PurposeStyle(legend="again, to find flaky tests", column="Flaky?"),
    Purpose.SEARCH: PurposeStyle(legend="search for culprits", column="Search"),
    Purpose.SOAK: PurposeStyle(legend="often, to find new flaky tests", column="Soak"),
    Purpose.SLOWNESS: PurposeStyle(legend="in pairs, to find slower tests", column="Pace"),
}
