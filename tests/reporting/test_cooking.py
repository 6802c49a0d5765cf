"""What's cooking: a month's planned transitions are what is reported."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sessions.ledger.record import Published, Record, RecordedOptions
from sessions.reporting.cooking import (
    Cooking,
    CookingRules,
    CookingSection,
    TicketStanding,
    Way,
    group_by_label,
    release_tag,
    what_cooks,
)
from tests.reporting.month import DAYS, Phase, Plan, conflict_with, date, random_plan, records

RULES = CookingRules()


def cook(days: Sequence[Record], rules: CookingRules = RULES) -> Cooking:
    cooking = what_cooks(days, rules)
    assert cooking
    return cooking


def way(cooking: Cooking, number: int) -> Way:
    return next(each for each in cooking.ways if each.number == number)


def steps(cooking: Cooking, number: int) -> list[str]:
    return [f"{step.date[5:]} {step}" for step in way(cooking, number).steps]


def only(*phases: Phase) -> Plan:
    return {7: phases}


PLAN: Plan = {
    1: (Phase(day=0, verdict="integrated"),),
    2: (Phase(day=5, verdict="integrated"), Phase(day=15, verdict="integrated", commit=2)),
    3: (Phase(day=0, verdict="conflict", more=conflict_with(1)),),
    4: (Phase(day=2, verdict="culprit"), Phase(day=27, verdict="conflict", more=conflict_with(2, 5))),
    5: (Phase(day=0, verdict="integrated"), Phase(day=20, verdict="already-merged")),
    6: (Phase(day=0, verdict="integrated"), Phase(day=20, verdict=None)),
    7: (Phase(day=29, verdict="blocked", more={"blocked_by": [3]}),),
    8: (Phase(day=3, verdict="ineligible"), Phase(day=26, verdict="ineligible", commit=2)),
    9: (Phase(day=24, verdict="integrated"),),
    10: (Phase(day=28, verdict="not-reached"),),
}


PLAN_OF_ONE: Plan = {7: (Phase(day=0, verdict="integrated"),)}


def test_the_month_shows_the_planned_ways() -> None:
    cooking = cook(records(PLAN))
    assert {number: steps(cooking, number) for number in PLAN} == {
        1: ["10-25 in a green head", "10-31 ripe"],
        2: [
            *("10-30 new", "10-30 in a green head", "11-05 ripe"),
            *("11-09 updated", "11-15 ripe"),
        ],
        3: ["10-25 out: because of conflict", "11-15 stalled: no progress since 2026-10-25"],
        4: [
            *("10-27 new", "10-27 out: because of culprit", "11-17 stalled: no progress since 2026-10-27"),
            "11-21 out: because of conflict",
        ],
        5: ["10-25 in a green head", "10-31 ripe", "11-14 in the release: 10.5.beta3"],
        6: ["10-25 in a green head", "10-31 ripe", "11-14 no longer listed: before: in a green head"],
        7: ["11-23 new", "11-23 out: because of blocked"],
        8: [
            *("10-28 new", "10-28 not ready: because of ineligible"),
            *("11-18 stalled: no progress since 2026-10-28", "11-20 updated"),
        ],
        9: ["11-18 new", "11-18 in a green head"],
        10: ["11-22 new"],
    }


def test_each_ticket_is_in_the_section_where_the_plan_ends() -> None:
    sections = {section: [each.number for each in ways] for section, ways in cook(records(PLAN)).sections}
    assert sections == {
        CookingSection.OUT: [7],
        CookingSection.RIPE: [1, 2],
        CookingSection.COOKING: [9],
        CookingSection.UNTESTED: [10],
        CookingSection.STALLED: [3, 4],
        CookingSection.NOT_READY: [8],
        CookingSection.RELEASED: [5],
        CookingSection.GONE: [6],
    }


def test_what_is_stuck_since_when_why_and_who_waits_for_whom() -> None:
    cooking = cook(records(PLAN))
    assert [(each.number, each.since, each.why) for each in cooking.out] == [
        (3, date(0), "because of conflict"),
        (4, date(2), "because of conflict"),
        (7, date(29), "because of blocked"),
    ]
    assert [(holder.number, [each.number for each in holder.waiting]) for holder in cooking.holders] == [
        (1, [3]),
        (2, [4]),
        (3, [7]),
        (5, [4]),
    ]


def test_news_are_the_steps_of_the_newest_day() -> None:
    cooking = cook(records(PLAN))
    assert [(each.number, [*map(str, found)]) for each, found in cooking.news] == [
        (7, ["new", "out: because of blocked"])
    ]
    assert cook(records(PLAN)[:1]).news == []


def test_200_random_ways_are_what_was_planned() -> None:
    chance = random.Random(20261123)  # noqa: S311
    planned = {number: random_plan(chance) for number in range(200)}
    cooking = cook(records({number: phases for number, (phases, _) in planned.items()}))
    for number, (_, expected) in planned.items():
        shown = [
            (step.date, str(step.change))
            for step in way(cooking, number).steps
            if str(step.change) not in ("ripe", "stalled")
        ]
        assert shown == expected, number


@pytest.mark.parametrize("state", ["red", "paused", "broken"])
def test_a_day_that_is_not_green_counts_for_nothing_and_against_nobody(state: str) -> None:
    plan = only(Phase(day=0, verdict="integrated"))
    for day in (3, 29):
        found = way(cook(records(plan, {day: state})), 7)
        assert (found.standing, found.green_days, len(found.steps)) == (TicketStanding.IN_HEAD, 29, 2)


def test_a_new_commit_on_a_red_day_is_not_tested_yet() -> None:
    plan = only(Phase(day=0, verdict="integrated"), Phase(day=29, verdict="integrated", commit=2))
    found = way(cook(records(plan, {29: "red"})), 7)
    assert (found.section, found.green_days, found.since) == (CookingSection.UNTESTED, 0, date(29))


@pytest.mark.parametrize(
    ("ripe_after", "section"), [(29, CookingSection.RIPE), (30, CookingSection.RIPE), (31, CookingSection.COOKING)]
)
def test_ripe_is_a_rule(ripe_after: int, section: CookingSection) -> None:
    days = records(only(Phase(day=0, verdict="integrated")))
    assert way(cook(days, CookingRules(ripe_after=ripe_after)), 7).section is section


@pytest.mark.parametrize(("stalled_after", "section"), [(29, CookingSection.STALLED), (30, CookingSection.OUT)])
def test_stalled_is_a_rule(stalled_after: int, section: CookingSection) -> None:
    days = records(only(Phase(day=0, verdict="culprit")))
    assert len(days) == DAYS
    assert way(cook(days, CookingRules(stalled_after=stalled_after)), 7).section is section


def test_a_new_commit_is_progress_of_a_ticket_that_stays_out() -> None:
    found = way(cook(records(only(Phase(day=0, verdict="culprit"), Phase(day=10, verdict="culprit", commit=2)))), 7)
    assert (found.section, found.since, found.progress) == (CookingSection.OUT, date(0), date(10))


def test_a_ticket_that_comes_back_is_new_again() -> None:
    phases = (Phase(day=0, verdict="conflict"), Phase(day=5, verdict=None), Phase(day=9, verdict="conflict"))
    assert steps(cook(records(only(*phases))), 7) == [
        "10-25 out: because of conflict",
        "10-30 no longer listed: before: out",
        "11-03 new",
        "11-03 out: because of conflict",
    ]


def test_a_call_about_a_few_tickets_says_nothing_of_the_others() -> None:
    days = records({7: (Phase(day=0, verdict="integrated"),), 8: (Phase(day=0, verdict="integrated"),)})
    newest = replace(days[-1], tickets=days[-1].tickets[:1], options=RecordedOptions(only=(7,)))
    assert way(cook([*days[:-1], newest]), 8).standing is TicketStanding.IN_HEAD


def test_a_ticket_closed_as_the_release_has_it_is_in_the_release() -> None:
    days = records(only(Phase(day=0, verdict="integrated"), Phase(day=21, verdict=None)))
    days[20] = replace(days[20], published=Published(closed=(7,)))
    found = way(cook(days), 7)
    assert (found.section, found.release, found.since) == (CookingSection.RELEASED, "10.5.beta3", date(20))


def test_a_ticket_that_left_before_its_release_is_in_it() -> None:
    days = records(
        {7: (Phase(day=0, verdict="integrated"), Phase(day=10, verdict=None)), 8: (Phase(day=0, verdict="integrated"),)}
    )
    days[20] = replace(days[20], released=(7,))
    cooking = cook(days)
    assert steps(cooking, 7)[-2:] == [
        "11-04 no longer listed: before: in a green head",
        "11-14 in the release: 10.5.beta3",
    ]
    assert dict(cooking.sections)[CookingSection.RELEASED] == [way(cooking, 7)]


def test_what_left_is_shown_for_two_releases() -> None:
    plan: Plan = {
        number: (Phase(day=0, verdict="integrated"), Phase(day=day, verdict=None)) for number, day in enumerate((4, 15))
    }
    days = [
        replace(day, release="10.5.beta1") if at < 10 else day
        for at, day in enumerate(records({**plan, **PLAN_OF_ONE}))
    ]
    assert [each.number for each in dict(cook(days).sections)[CookingSection.GONE]] == [1]
    assert cook(days).cycle == date(10)


def test_a_branch_that_moves_on_is_no_release() -> None:
    days = [replace(day, release=f"v1.0-{at}-gabc{at}") for at, day in enumerate(records(PLAN), start=1)]
    cooking = cook(days)
    assert (cooking.release, cooking.released) == ("v1.0", "")
    assert release_tag("10.5.beta3") == "10.5.beta3"


def test_no_record_is_nothing() -> None:
    assert what_cooks([], RULES) is None


def test_labels_of_the_release_notes_are_those_configured_or_all_that_say_something() -> None:
    ways = [
        replace(way(cook(records(only(Phase(day=0, verdict="integrated")))), 7), number=number, labels=labels)
        for number, labels in enumerate([("ready", "bug"), ("feature",), ("ready",), ("feature", "bug")])
    ]

    def numbers(rules: CookingRules) -> dict[str, list[int]]:
        return {label: [each.number for each in members] for label, members in group_by_label(ways, rules).items()}

    assert numbers(CookingRules(plain_labels=("ready",))) == {"bug": [0, 3], "feature": [1], "": [2]}
    assert numbers(CookingRules(note_labels=("feature",))) == {"feature": [1, 3], "": [0, 2]}
