from __future__ import annotations

from sessions.day.plan import describe_plan, plan_message
from sessions.source.line import Line
from sessions.source.merging import Candidate
from sessions.tickets.model import Conflict, Decision, Ticket, Verdict

HEAD = Candidate(tickets=(), commit="1" * 40, tree="2" * 40)


def conflict(path: str, *with_: int, lines: str = "") -> Conflict:
    return Conflict(with_=with_, path=path, lines=lines, kind="contents", hunk="")


DECISIONS = {
    3: Decision(verdict=Verdict.INTEGRATED),
    1: Decision(verdict=Verdict.INTEGRATED, reason="its branch carries #3 without saying so"),
    2: Decision(
        verdict=Verdict.CONFLICT,
        reason="not shown, as the conflicts say more",
        conflicts=(conflict("b.py", 1, lines="4-9"), conflict("a.py"), conflict("c.py", 1)),
    ),
    4: Decision(verdict=Verdict.BLOCKED, reason="it depends on #2, which is out: conflict", blocked_by=(2,)),
    5: Decision(verdict=Verdict.UNFETCHABLE, reason="the repository has no branch x"),
    6: Decision(verdict=Verdict.ALREADY_MERGED, reason="the release contains it"),
    7: Decision(verdict=Verdict.NOT_REACHED, reason="it comes after the first 2 (--limit)"),
    8: Decision(verdict=Verdict.INELIGIBLE, reason="it is disputed"),
    10: Decision(verdict=Verdict.CONFLICT, conflicts=(conflict(""),)),
    **{number: Decision(verdict=Verdict.INELIGIBLE, reason="it has no branch") for number in range(20, 31)},
}
TICKETS = tuple(Ticket(number=number, title=f"Title {number}") for number in sorted(DECISIONS, reverse=True))
BY_NUMBER = {ticket.number: ticket for ticket in TICKETS}
LINE = Line(head=HEAD, tickets=(BY_NUMBER[3], BY_NUMBER[1]), decisions=DECISIONS)


def test_a_plan_says_who_would_be_merged_and_why_each_other_would_not() -> None:
    assert dict(describe_plan(TICKETS, LINE, "1.0")) == {
        "Would be merged onto 1.0, in this order: 2 tickets": [
            "1. #3 Title 3",
            "2. #1 Title 1 (its branch carries #3 without saying so)",
        ],
        "Would be left out: 5 tickets": [
            "#2 conflicts: with 1.0 in a.py; with #1 in b.py:4-9, c.py (Title 2)",
            "#10 conflicts: with 1.0, which has no history in common (Title 10)",
            "#4 blocked: it depends on #2, which is out: conflict (Title 4)",
            "#5 cannot be fetched: the repository has no branch x (Title 5)",
            "#7 beyond the limit: it comes after the first 2 (--limit) (Title 7)",
        ],
        "In the release already: 1 ticket": ["#6: the release contains it"],
        "Not ready: 12 tickets": [
            "#20, #21, #22, #23, #24, #25, #26, #27 and 3 more: it has no branch",
            "#8: it is disputed",
        ],
    }
    assert plan_message(TICKETS, LINE) == "2 tickets would be merged, 5 would not; no gate has run"


def test_a_plan_without_tickets() -> None:
    empty = Line(head=HEAD, tickets=(), decisions={})
    assert dict(describe_plan((), empty, "1.0")) == {"Would be merged onto 1.0, in this order: 0 tickets": []}
    assert plan_message((), empty) == "no ticket would be merged; no gate has run"
