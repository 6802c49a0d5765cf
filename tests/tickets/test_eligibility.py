from __future__ import annotations

from dataclasses import replace

import pytest

from sessions.terminal.errors import TrackerError
from sessions.tickets.eligibility import Rules, check_not_elsewhere, priority_rank, why_not
from sessions.tickets.model import Ticket, name_tickets
from tests.repositories import ticket

RULES = Rules(ready=("s: positive review",), never=("s: needs work", "disputed"), milestone="sage-9.5")
PRIORITIES = ("p: blocker / 1", "p: critical / 2", "p: major / 3")
READY = "s: positive review"


def asked(*labels: str, milestone: str = "sage-9.5", branch: str = "fix") -> Ticket:
    return ticket(7, *labels, milestone=milestone, branch=branch)


@pytest.mark.parametrize("labels", [(READY,), ("p: major / 3", "S:  Positive Review"), (READY, "s: needs review")])
def test_what_is_ready(labels: tuple[str, ...]) -> None:
    assert why_not(asked(*labels), RULES) is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (asked(), "it is not s: positive review"),
        (asked("s: needs review"), "it is not s: positive review"),
        (asked(READY, "Disputed"), "it is disputed"),
        (asked(READY, "s:needs work", "disputed"), "it is s: needs work and disputed"),
        (asked(READY, milestone="sage-9.4"), "its milestone is sage-9.4, and today's is sage-9.5"),
        (asked(READY, milestone=""), "its milestone is not set, and today's is sage-9.5"),
        (asked(READY, branch=""), "it has no branch"),
    ],
)
def test_why_it_is_not_ready(wrong: Ticket, reason: str) -> None:
    assert why_not(wrong, RULES) == reason


def test_a_ticket_that_its_tracker_holds_back_is_not_ready() -> None:
    held = replace(asked(READY), held="it is a draft")
    assert why_not(held, RULES) == "it is a draft"
    assert why_not(replace(held, labels=("s: needs work",)), RULES) == "it is s: needs work"


@pytest.mark.parametrize(("reviewers", "reason"), [(("jo",), "it has 1 of 2 approvals"), (("jo", "jim"), None)])
def test_approvals_are_counted(reviewers: tuple[str, ...], reason: str | None) -> None:
    rules = replace(RULES, approvals=2)
    assert why_not(replace(asked(READY), reviewers=reviewers), rules) == reason
    assert why_not(replace(asked(), reviewers=reviewers), rules) == "it is not s: positive review"
    assert why_not(replace(asked(READY), held="it is a draft"), rules) == "it is a draft"


def test_where_nothing_is_asked_any_ticket_with_a_branch_will_do() -> None:
    anything = Rules(ready=(), never=(), milestone=None)
    assert why_not(asked("s: needs work", milestone=""), anything) is None
    assert why_not(asked(branch=""), anything) == "it has no branch"


@pytest.mark.parametrize(
    ("labels", "rank"),
    [
        (("p: blocker / 1",), 0),
        (("p: blocker /1",), 0),
        (("c: graphs", "P: Critical / 2"), 1),
        (("p: major / 3", "p: blocker / 1"), 0),
        (("p: minor / 4",), 3),
        ((), 3),
    ],
)
def test_rank_of_a_priority(labels: tuple[str, ...], rank: int) -> None:
    assert priority_rank(ticket(7, *labels), PRIORITIES) == rank


def test_a_milestone_for_which_nothing_is_ready_is_loudly_refused() -> None:
    """Sage's first attempt said "No tickets for milestone sage-9.5" for weeks."""
    tickets = [asked(READY, milestone=name) for name in ("sage-9.6", "sage-9.7", "sage-9.6", "")]
    with pytest.raises(
        TrackerError,
        match=r"^No ticket is ready for milestone 'sage-9.5', but 4 are for \(none\), sage-9.6, sage-9.7: name ",
    ):
        check_not_elsewhere([*tickets, asked("s: needs work")], RULES)


@pytest.mark.parametrize(
    "tickets",
    [
        [],
        [asked("s: needs work", milestone="sage-9.6")],
        [asked(READY, milestone="sage-9.6"), asked(READY)],
    ],
    ids=["no tickets", "nothing ready anywhere", "something ready here"],
)
def test_a_milestone_is_not_refused_without_cause(tickets: list[Ticket]) -> None:
    check_not_elsewhere(tickets, RULES)


@pytest.mark.parametrize(
    ("numbers", "words"), [((), "no ticket"), ((7,), "#7"), ((9, 7), "#7 and #9"), ((9, 7, 11), "#7, #9 and #11")]
)
def test_tickets_named_in_a_sentence(numbers: tuple[int, ...], words: str) -> None:
    assert name_tickets(numbers) == words
