from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sessions.day.fixes import fix_tickets
from sessions.day.hinted import NO_HINTS, DayHints
from sessions.day.merge_queue import build_queue
from sessions.day.ticket_selection import select_tickets, todays_rules
from sessions.settings.configuration import Config, Gate, Project, Tracker
from sessions.settings.hint_settings import HintLabels
from sessions.settings.hints import Hint
from sessions.settings.options import Options
from sessions.source.line import Queue, merge_line
from sessions.terminal.errors import TrackerError, UsageError
from sessions.tickets.eligibility import Rules
from sessions.tickets.model import Ticket, Verdict
from tests.repositories import Builder, Scene, lines, ticket

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONS = Options(config=Path("integration.toml"), state=Path("state"), date=dt.date(2026, 11, 23))
CONFIG = Config(
    version=1,
    project=Project(name="x", repository="x"),
    tickets=(Tracker(url="x", ready=("ready",), never=("disputed",), priorities=("p1", "p2")),),
    gates=(Gate(name="test", run="true"),),
)
RULES = Rules(ready=("ready",), never=("disputed",), milestone=None)


@dataclass(frozen=True)
class Office:
    """A repository with branches t1, t2… that change a file each."""

    scene: Scene

    @property
    def tips(self) -> dict[str, str]:
        return self.scene.builder.tips

    def ticket(self, number: int, *labels: str, branch: str = "", commit: str = "", depends: str = "") -> Ticket:
        return ticket(number, "ready", *labels, branch=branch or f"t{number}", commit=commit, depends=depends)

    def draw_up(
        self, tickets: Sequence[Ticket], options: Options = OPTIONS, config: Config = CONFIG, hints: DayHints = NO_HINTS
    ) -> Queue:
        return build_queue(tickets, RULES, self.scene.mirror, self.scene.release, config, options, hints)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("drawing-up")
    builder = Builder(folder / "project.git")
    builder.commit({"a": lines()}, branch="old")
    builder.commit({"a": lines((30, "released"))}, "old")
    builder.tag("1.0")
    for number in range(1, 10):
        builder.commit({f"f{number}": "1\n"}, "1.0", branch=f"t{number}")
    builder.commit({"more": "1\n"}, "t1", branch="on-t1")
    builder.commit({"f1": "rebased\n"}, "1.0", branch="t1-moved")
    on_main = builder.commit({"later": "1\n"})
    builder.commit({"mine": "1\n"}, on_main, branch="on-main")
    return Office(Scene.of(builder, folder / "state"))


def numbers(queue: Queue) -> list[int]:
    return [each.number for each in queue.tickets]


def verdicts(queue: Queue) -> dict[int, Verdict]:
    return {number: decision.verdict for number, decision in queue.out.items()}


def test_queue_is_in_order_and_every_ticket_pinned(office: Office) -> None:
    tickets = [office.ticket(1), office.ticket(2, "p2"), office.ticket(3, "p1", depends="#5"), office.ticket(5)]
    queue = office.draw_up(tickets)
    assert numbers(queue) == [5, 3, 2, 1]
    assert [each.commit for each in queue.tickets] == [office.tips[f"t{number}"] for number in (5, 3, 2, 1)]
    assert queue.needs == {1: set(), 2: set(), 3: {5}, 5: set()}
    assert not queue.out


def test_of_equals_the_tracker_may_say_who_comes_first(office: Office) -> None:
    tickets = [office.ticket(3), office.ticket(1), office.ticket(2, "p1")]
    listed = replace(CONFIG, tickets=(replace(CONFIG.tickets[0], order="listed"),))
    assert numbers(office.draw_up(tickets)) == [2, 1, 3]
    assert numbers(office.draw_up(tickets, config=listed)) == [2, 3, 1]


def test_fixes_and_what_they_need_come_before_all_priorities(office: Office) -> None:
    tickets = [office.ticket(1, "p1"), office.ticket(2), office.ticket(3, "CI fix", depends="#2"), office.ticket(4)]
    fixing = replace(CONFIG, tickets=(replace(CONFIG.tickets[0], fixes=("CI Fix",)),))
    queue = office.draw_up(tickets, config=fixing)
    assert numbers(queue) == [2, 3, 1, 4]
    line = merge_line(queue, office.scene.merger, {})
    assert [each.number for each in fix_tickets(line, queue.needs, fixing)] == [2, 3]
    assert fix_tickets(line, queue.needs, CONFIG) == ()


def hint(**words: Any) -> Hint:
    return Hint(line=7, owner="Jane", reason="why not", until=dt.date(2026, 12, 24), **words)


def test_what_hints_do_to_the_queue(office: Office) -> None:
    tickets = [
        office.ticket(1),
        office.ticket(2, "disputed"),
        office.ticket(3),
        office.ticket(4, "p1"),
        office.ticket(5),
    ]
    hints = DayHints((hint(keep_out=(5,)), hint(let_in=(2, 9)), hint(urgent=(3,)), hint(order=(4, 9, 1))))
    queue = office.draw_up(tickets, hints=hints)
    assert numbers(queue) == [3, 4, 1, 2]
    assert queue.out[5].reason == "kept out by Jane, until 2026-12-24: why not"
    line = merge_line(queue, office.scene.merger, {})
    says = "Jane, until 2026-12-24: why not"
    assert {number: line.decisions[number].reason for number in (1, 2, 3, 4)} == {
        1: f"in this order, says {says}",
        2: f"let in by {says}",
        3: f"urgent, says {says}",
        4: f"in this order, says {says}",
    }
    assert [str(each) for each in hints.used([1, 2, 3, 4, 5], {})] == [
        f"#5 kept out: {says}",
        f"#2 let in: {says}",
        f"#3 urgent: {says}",
        f"#4, #1 merged in this order: {says}",
    ]


def test_labels_are_hints_until_they_are_removed(office: Office) -> None:
    tickets = [office.ticket(1), office.ticket(2, "disputed", "RM: take"), office.ticket(3, "rm:urgent")]
    tickets += [office.ticket(4, "rm: hold", "rm: take")]
    labels = HintLabels(keep_out=("rm: hold",), let_in=("rm: take",), urgent=("rm: urgent", "p9"))
    hints = DayHints((hint(let_in=(1,)),)).with_labels(tickets, labels)
    queue = office.draw_up(tickets, hints=hints)
    assert numbers(queue) == [3, 1, 2]
    why = "until the label is removed: set in the tracker"
    assert queue.out[4].reason == f"kept out by label rm: hold, {why}"
    assert [str(each) for each in hints.used([2, 3, 4], {})] == [
        f"#4 kept out: label rm: hold, {why}",
        f"#2, #4 let in: label rm: take, {why}",
        f"#3 urgent: label rm: urgent, {why}",
    ]


def test_an_order_that_contradicts_a_dependency_is_an_error(office: Office) -> None:
    tickets = [office.ticket(1, depends="#2"), office.ticket(2)]
    with pytest.raises(UsageError, match=r"^hints\.toml, line 7: this order contradicts dependencies or another order"):
        office.draw_up(tickets, hints=DayHints((hint(order=(1, 2)),)))


def test_every_reason_to_stay_out(office: Office) -> None:
    tickets = [
        office.ticket(1, "disputed"),
        office.ticket(2, branch="gone"),
        office.ticket(3, commit=office.tips["t4"]),
        office.ticket(4, commit=office.tips["t4"]),
        office.ticket(5, branch="old"),
        office.ticket(6),
        ticket(7, "ready"),
        office.ticket(8, branch="+refs/heads/*:refs/heads/*"),
        office.ticket(9, commit="0" * 40),
    ]
    queue = office.draw_up(tickets, replace(OPTIONS, without=(6,)))
    assert numbers(queue) == [4]
    assert verdicts(queue) == {
        1: Verdict.INELIGIBLE,
        2: Verdict.UNFETCHABLE,
        3: Verdict.INELIGIBLE,
        5: Verdict.ALREADY_MERGED,
        6: Verdict.INELIGIBLE,
        7: Verdict.INELIGIBLE,
        8: Verdict.UNFETCHABLE,
        9: Verdict.INELIGIBLE,
    }
    reasons = {number: decision.reason for number, decision in queue.out.items()}
    assert reasons[2] == "the repository has no branch gone"
    assert reasons[3].startswith("its branch moved since review")
    assert office.tips["t4"][:10] in reasons[3]
    assert office.tips["t3"][:10] in reasons[3]
    assert reasons[6] == "left out by --without"


def test_the_limit_keeps_the_first_with_what_they_need(office: Office) -> None:
    tickets = [office.ticket(1), office.ticket(2), office.ticket(3, "p1", depends="#9"), office.ticket(9)]
    queue = office.draw_up(tickets, replace(OPTIONS, limit=2))
    assert numbers(queue) == [9, 3]
    assert verdicts(queue) == {1: Verdict.NOT_REACHED, 2: Verdict.NOT_REACHED}
    assert numbers(office.draw_up(tickets, replace(OPTIONS, limit=9))) == [9, 3, 1, 2]


def test_those_who_wait_for_each_other_are_named_and_the_rest_goes_on(office: Office) -> None:
    tickets = [office.ticket(1, depends="#2"), office.ticket(2, depends="#3"), office.ticket(3, depends="#1")]
    queue = office.draw_up([*tickets, office.ticket(4, depends="#1"), office.ticket(5)])
    assert numbers(queue) == [4, 5]
    assert verdicts(queue) == dict.fromkeys((1, 2, 3), Verdict.BLOCKED)
    assert queue.out[1].blocked_by == (2, 3)
    way = "#1 → #2 → #3 → #1"
    assert all(
        decision.reason.removeprefix("it depends on itself: ") in f"{way} → {way[5:]}"
        for decision in queue.out.values()
    )
    line = merge_line(queue, office.scene.merger, {})
    assert line.decisions[4].blocked_by == (1,)
    assert line.head.tickets == (5,)


@pytest.mark.parametrize("reviewed", [True, False], ids=["as it is", "as it was reviewed"])
def test_a_disputed_ticket_does_not_come_in_on_the_back_of_another(office: Office, reviewed: bool) -> None:
    """Sage's #36964 brought the disputed #36951 along; here that one may have moved since."""
    smuggled = office.ticket(1, "disputed", branch="t1" if reviewed else "t1-moved", commit=office.tips["t1"])
    queue = office.draw_up([smuggled, office.ticket(2, branch="on-t1"), office.ticket(3)])
    assert queue.carried[2] == queue.needs[2] == {1}
    line = merge_line(queue, office.scene.merger, {})
    assert line.head.tickets == (3,)
    assert line.decisions[2].reason == "its branch carries #1, which is out: ineligible, it is disputed"


def test_what_is_carried_and_in_order_comes_first_and_is_told(office: Office) -> None:
    queue = office.draw_up([office.ticket(1, "p2"), office.ticket(9, "p1", branch="on-t1")])
    assert numbers(queue) == [1, 9]
    line = merge_line(queue, office.scene.merger, {})
    assert line.decisions[9].reason == "its branch carries #1 without saying so"
    declared = office.draw_up([office.ticket(1), office.ticket(9, branch="on-t1", depends="#1")])
    assert declared.carried[9] == frozenset()
    assert merge_line(declared, office.scene.merger, {}).decisions[9].reason == ""


def test_two_tickets_with_one_commit_are_one_after_the_other(office: Office) -> None:
    queue = office.draw_up([office.ticket(6, branch="t5"), office.ticket(5)])
    assert numbers(queue) == [5, 6]
    assert queue.carried == {5: frozenset(), 6: {5}}


def test_commits_of_the_default_branch_belong_to_nobody(office: Office) -> None:
    """Branches that were brought up to date by merging `develop` carry no tickets because of that."""
    queue = office.draw_up([office.ticket(1, branch="main"), office.ticket(2, branch="on-main")])
    assert queue.carried == {1: frozenset(), 2: frozenset()}


def test_only_takes_what_the_named_depend_on_along() -> None:
    tickets = [ticket(1, depends="#2"), ticket(2, depends="Depends on #3, #99"), ticket(3), ticket(4, depends="#1")]
    assert [each.number for each in select_tickets(tickets, replace(OPTIONS, only=(1,)))] == [1, 2, 3]
    assert [each.number for each in select_tickets(tickets, replace(OPTIONS, only=(3, 4)))] == [1, 2, 3, 4]
    company = [*tickets[:3], replace(tickets[3], depends=(), together=(3,))]
    assert [each.number for each in select_tickets(company, replace(OPTIONS, only=(4,)))] == [3, 4]
    assert select_tickets(tickets, OPTIONS) == tuple(tickets)


@pytest.mark.parametrize(
    ("name", "options"),
    [("only", replace(OPTIONS, only=(1, 99, 98))), ("without", replace(OPTIONS, without=(1, 99, 98)))],
)
def test_a_number_that_the_tracker_does_not_have(name: str, options: Options) -> None:
    with pytest.raises(UsageError, match=rf"^--{name}: the tracker has no open ticket 98\.$"):
        select_tickets([ticket(1)], options)


@pytest.mark.parametrize(
    ("asked", "milestones", "expected"),
    [
        ("current", ["1.0", "1.1", "1.2", ""], "1.1"),
        ("current", ["", ""], None),
        ("1.2", ["1.1", "1.2"], "1.2"),
        ("", ["1.1", "1.2"], None),
    ],
)
def test_the_milestone_of_the_day(office: Office, asked: str, milestones: list[str], expected: str | None) -> None:
    config = replace(CONFIG, tickets=(replace(CONFIG.tickets[0], milestone=asked),))
    tickets = [ticket(number, milestone=name) for number, name in enumerate(milestones, start=1)]
    assert todays_rules(config, office.scene.release, tickets) == replace(RULES, milestone=expected)


def test_no_milestone_that_follows_the_release(office: Office) -> None:
    tickets = [ticket(1, milestone="0.9"), ticket(2, milestone="0.8")]
    with pytest.raises(
        TrackerError, match=r"^No milestone of the tracker follows release 1\.0 \(it has 0\.8, 0\.9\): name"
    ):
        todays_rules(CONFIG, office.scene.release, tickets)


def test_a_milestone_under_which_nothing_is_ready_while_another_has_some(office: Office) -> None:
    tickets = [ticket(1, "ready", branch="t1", milestone="1.2"), ticket(2, milestone="1.1")]
    with pytest.raises(TrackerError, match=r"milestone '1\.1', but 1 are for 1\.2"):
        todays_rules(CONFIG, office.scene.release, tickets)
