"""What's cooking: where each ticket stands, and how it came there over the days that are kept. Pure.

Only a green day shows that a merged ticket is good: on another day, a ticket of the head stands where it stood before.
The idea and the name are git.git's: https://github.com/git/git/blob/master/Documentation/howto/maintain-git.adoc
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sessions.ledger.record import Record, RecordedTicket, State
from sessions.reporting.dates import days_between
from sessions.reporting.verdicts import VERDICTS
from sessions.tickets.model import Verdict

# What `git describe` adds to a tag: the number of commits since, and the commit.
_SINCE_TAG = re.compile(r"-\d+-g[0-9a-f]+$")


@dataclass(frozen=True, kw_only=True)
class CookingRules:
    """After how many green days a ticket is ripe, and after how many days without progress it is stalled.

    ``note_labels`` are the headings of the release notes, in order; if empty, all labels but ``plain_labels`` are.
    """

    ripe_after: int = 7
    stalled_after: int = 21
    note_labels: tuple[str, ...] = ()
    plain_labels: tuple[str, ...] = ()


class TicketStanding(StrEnum):
    """Where a ticket stands after a day."""

    UNTESTED = "untested"
    IN_HEAD = "in a green head"
    OUT = "out"
    NOT_READY = "not ready"
    RELEASED = "in the release"
    GONE = "no longer listed"


class Transition(StrEnum):
    """What happened to a ticket on a day."""

    NEW = "new"
    UPDATED = "updated"
    IN_HEAD = "in a green head"
    RIPE = "ripe"
    OUT = "out"
    NOT_READY = "not ready"
    STALLED = "stalled"
    RELEASED = "in the release"
    GONE = "no longer listed"


class CookingSection(StrEnum):
    """Under which heading a ticket is reported; in this order."""

    OUT = "Out"
    RIPE = "Ripe"
    COOKING = "Cooking"
    UNTESTED = "Not tested yet"
    STALLED = "Stalled"
    NOT_READY = "Not ready"
    RELEASED = "In the release"
    GONE = "No longer listed"


@dataclass(frozen=True, kw_only=True)
class WayStep:
    """One step of a ticket's way: what happened on which day. ``detail`` is why, or in which release."""

    date: str
    change: Transition
    detail: str = ""

    def __str__(self) -> str:
        """The change with its detail: ``out: it conflicts with #12 in a.py``."""
        return f"{self.change}: {self.detail}" if self.detail else str(self.change)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A ticket with its way through the days. All dates are ISO dates.

    ``since`` is the first day of its standing, ``why`` the reason for it. ``green_days`` counts the green days in a row
    whose head has its newest commit. ``progress`` is the last day with a new commit or another standing.
    ``waits_for`` has the tickets on which one that is out depends, and those with which it conflicts or breaks a test.
    ``release`` is the tag that contains it, empty for another standing.
    """

    number: int
    title: str
    url: str
    labels: tuple[str, ...]
    commit: str
    verdict: Verdict
    standing: TicketStanding
    since: str
    progress: str
    why: str = ""
    waits_for: tuple[int, ...] = ()
    green_days: int = 0
    release: str = ""
    is_ripe: bool = False
    is_stalled: bool = False
    steps: tuple[WayStep, ...] = ()

    @property
    def section(self) -> CookingSection:
        """The heading under which it is reported."""
        match self.standing:
            case TicketStanding.IN_HEAD:
                return CookingSection.RIPE if self.is_ripe else CookingSection.COOKING
            case TicketStanding.OUT | TicketStanding.NOT_READY if self.is_stalled:
                return CookingSection.STALLED
            case standing:
                return CookingSection[standing.name]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A ticket for which others wait; ``way`` is missing if no kept day lists it."""

    number: int
    way: Way | None
    waiting: tuple[Way, ...]


@dataclass(frozen=True, kw_only=True)
class Cooking:
    """All tickets on the newest day. ``first`` is the oldest kept day, ``previous`` the day before the newest, if any.

    ``release`` is the newest tag. It appeared on ``released``, empty if the kept days begin with it. On ``cycle`` the
    tag before it appeared, or the kept days begin.
    """

    newest: Record
    first: str
    previous: str
    release: str
    released: str
    cycle: str
    rules: CookingRules
    ways: tuple[Way, ...]

    @property
    def news(self) -> list[tuple[Way, list[WayStep]]]:
        """The tickets to which something happened on the newest day, with what happened."""
        found = ((way, [step for step in way.steps if step.date == self.newest.date]) for way in self.ways)
        return [(way, steps) for way, steps in found if steps] if self.previous else []

    @property
    def out(self) -> list[Way]:
        """The tickets that are ready and not in the head, those first that have been out longest."""
        return sorted((way for way in self.ways if way.standing is TicketStanding.OUT), key=_by_age)

    @property
    def holders(self) -> list[Holder]:
        """The tickets for which others wait, those first for which most do."""
        waiting: dict[int, list[Way]] = {}
        for way in self.out:
            for number in way.waits_for:
                waiting.setdefault(number, []).append(way)
        known = {way.number: way for way in self.ways}
        found = [Holder(number=each, way=known.get(each), waiting=tuple(ways)) for each, ways in waiting.items()]
        return sorted(found, key=lambda holder: (-len(holder.waiting), holder.number))

    @property
    def sections(self) -> list[tuple[CookingSection, list[Way]]]:
        """The tickets by section, without empty ones.

        Those in the release are those that came with the newest one. Those no longer listed are those that left since
        the release before: work on the newest one began then.
        """
        starts = {CookingSection.RELEASED: self.released or self.first, CookingSection.GONE: self.cycle}
        found = []
        for section in CookingSection:
            ways = sorted((way for way in self.ways if way.section is section), key=_by_age)
            if ways := [way for way in ways if way.since >= starts.get(section, "")]:
                found.append((section, ways))
        return found

    @property
    def age_known(self) -> int:
        """How many days the kept days reach back: no ticket can be seen to be older."""
        return days_between(self.first, self.newest.date)


def what_cooks(records: Sequence[Record], rules: CookingRules) -> Cooking | None:
    """Follow all tickets through the records, the oldest first; ``None`` without a record."""
    ways: dict[int, Way] = {}
    release, released, cycle = "", "", records[0].date if records else ""
    for at, record in enumerate(records):
        tag = release_tag(record.release)
        if at and tag != release:
            cycle, released = released or cycle, record.date
        release = tag
        for ticket in record.tickets:
            ways[ticket.number] = _advance(ways.get(ticket.number), ticket, record, rules, is_first_day=not at)
        ways |= _departures(ways, record)
    if not records:
        return None
    return Cooking(
        newest=records[-1],
        first=records[0].date,
        previous=records[-2].date if len(records) > 1 else "",
        release=release,
        released=released,
        cycle=cycle,
        rules=rules,
        ways=tuple(sorted(ways.values(), key=lambda way: way.number)),
    )


def release_tag(release: str) -> str:
    """Return the tag in a record's release.

    >>> release_tag("v2.1-34-g1a2b3c4")
    'v2.1'
    """
    return _SINCE_TAG.sub("", release)


def group_by_label(ways: Iterable[Way], rules: CookingRules) -> Mapping[str, list[Way]]:
    """Return tickets by the first heading of the release notes among their labels; others last, under ``""``."""
    ways = list(ways)
    headings = rules.note_labels or sorted({label for way in ways for label in way.labels} - {*rules.plain_labels})
    groups: dict[str, list[Way]] = {label: [] for label in (*headings, "")}
    for way in ways:
        groups[next((label for label in headings if label in way.labels), "")].append(way)
    return {label: members for label, members in groups.items() if members}


def _by_age(way: Way) -> tuple[str, int]:
    return way.since, way.number


def _advance(
    way: Way | None, ticket: RecordedTicket, record: Record, rules: CookingRules, *, is_first_day: bool
) -> Way:
    """Return a ticket's way after another day on which it is listed."""
    is_new = way is None or way.standing is TicketStanding.GONE
    is_updated = bool(way and way.commit and ticket.commit and way.commit != ticket.commit)
    shown = _shown_standing(ticket, record)
    standing = shown or (TicketStanding.UNTESTED if way is None or is_new or is_updated else way.standing)
    # The head with another commit is another head.
    has_moved = way is None or standing is not way.standing
    restarts = has_moved or (is_updated and standing is TicketStanding.IN_HEAD)
    green_days = 0 if way is None or restarts else way.green_days
    moved = Way(
        number=ticket.number,
        title=ticket.title,
        url=ticket.url,
        labels=ticket.labels,
        commit=ticket.commit or (way.commit if way else ""),
        verdict=ticket.verdict,
        standing=standing,
        since=record.date if way is None or restarts else way.since,
        progress=record.date if way is None or has_moved or is_updated else way.progress,
        why=ticket.reason if shown or way is None else way.why,
        waits_for=_waits_for(ticket) if standing is TicketStanding.OUT else (),
        green_days=green_days + (shown is TicketStanding.IN_HEAD),
        release=_release_of(way, standing, record),
        steps=way.steps if way else (),
    )
    is_other_verdict = standing is TicketStanding.OUT and way is not None and way.verdict is not moved.verdict
    changes = [WayStep(date=record.date, change=Transition.NEW)] if is_new and not is_first_day else []
    changes += [WayStep(date=record.date, change=Transition.UPDATED)] if is_updated else []
    if (has_moved or is_other_verdict) and standing is not TicketStanding.UNTESTED:
        detail = moved.release if standing is TicketStanding.RELEASED else moved.why
        changes.append(WayStep(date=record.date, change=Transition[standing.name], detail=detail))
    return _with_age(replace(moved, steps=(*moved.steps, *changes)), way, record.date, rules)


def _with_age(way: Way, before: Way | None, date: str, rules: CookingRules) -> Way:
    """Return the way with what its age makes of it: a ripe or a stalled ticket."""
    is_ripe = way.standing is TicketStanding.IN_HEAD and way.green_days >= rules.ripe_after
    waits = way.standing in (TicketStanding.OUT, TicketStanding.NOT_READY)
    is_stalled = waits and days_between(way.progress, date) >= rules.stalled_after
    steps = [WayStep(date=date, change=Transition.RIPE)] if is_ripe and not (before and before.is_ripe) else []
    if is_stalled and not (before and before.is_stalled):
        steps.append(WayStep(date=date, change=Transition.STALLED, detail=f"no progress since {way.progress}"))
    return replace(way, is_ripe=is_ripe, is_stalled=is_stalled, steps=(*way.steps, *steps))


def _shown_standing(ticket: RecordedTicket, record: Record) -> TicketStanding | None:
    """Return where a day shows a ticket to stand; ``None`` if the day does not show it."""
    match ticket.verdict:
        case Verdict.ALREADY_MERGED:
            return TicketStanding.RELEASED
        case Verdict.INELIGIBLE:
            return TicketStanding.NOT_READY
        case Verdict.INTEGRATED if record.state is State.GREEN:
            return TicketStanding.IN_HEAD
        case verdict:
            return TicketStanding.OUT if VERDICTS[verdict].stays_out else None


def _waits_for(ticket: RecordedTicket) -> tuple[int, ...]:
    """Return the tickets for which one that is out waits, see :class:`Way`."""
    conflicting = {number for conflict in ticket.conflicts for number in conflict.with_}
    breaking = {number for broke in ticket.broke for number in broke.with_}
    return tuple(sorted(({*ticket.blocked_by} | conflicting | breaking) - {ticket.number}))


def _release_of(way: Way | None, standing: TicketStanding, record: Record) -> str:
    if standing is not TicketStanding.RELEASED:
        return ""
    return way.release if way and way.release else release_tag(record.release)


def _departures(ways: Mapping[int, Way], record: Record) -> dict[int, Way]:
    """Return the ways that end on a day: of tickets closed as the release has them, and of those no longer listed."""
    listed = {ticket.number for ticket in record.tickets}
    released = {*record.released, *(record.published.closed or ())}
    found = {}
    for number, way in ways.items():
        if way.standing is TicketStanding.RELEASED:
            continue
        if number in released:
            tag = release_tag(record.release)
            found[number] = _ended(way, record.date, TicketStanding.RELEASED, release=tag)
        elif number not in listed and way.standing is not TicketStanding.GONE and not record.options.only:
            found[number] = _ended(way, record.date, TicketStanding.GONE, detail=f"before: {way.standing}")
    return found


def _ended(way: Way, date: str, standing: TicketStanding, *, release: str = "", detail: str = "") -> Way:
    step = WayStep(date=date, change=Transition[standing.name], detail=release or detail)
    return replace(
        way,
        standing=standing,
        since=date,
        progress=date,
        why=detail,
        waits_for=(),
        green_days=0,
        release=release,
        is_ripe=False,
        is_stalled=False,
        steps=(*way.steps, step),
    )
