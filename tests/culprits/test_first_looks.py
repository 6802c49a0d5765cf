from __future__ import annotations

import pytest

from sessions.culprits.findings import Answer, Blame, Flaky, Query
from sessions.culprits.first_looks import is_borne_out, is_contradicted

WHOLE = frozenset({1, 2, 3})
ONE, TWO = frozenset({1}), frozenset({2})
BLAME = Blame(culprits=(2,), partners=(1,), fails=frozenset({1, 2}), passes=(ONE, TWO))


def told(*answers: tuple[frozenset[int], int, Answer]) -> dict[Query, Answer]:
    return {Query(tickets=tickets, attempt=attempt): answer for tickets, attempt, answer in answers}


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ("fails", "fails", False),
        ("passes", "not run", False),
        ("fails", "passes", True),
        ("unclear", "fails", True),
    ],
)
def test_a_later_run_contradicts_the_first_look_where_it_counts_differently(
    first: Answer, later: Answer, *, expected: bool
) -> None:
    assert is_contradicted(told((ONE, 1, first), (ONE, 3, later), (TWO, 1, "fails"))) is expected


def test_a_later_run_of_what_nobody_looked_at_first_contradicts_nothing() -> None:
    assert not is_contradicted(told((WHOLE, 2, "passes")))


def test_a_blame_is_borne_out_by_later_runs_both_ways() -> None:
    both = told((BLAME.fails, 1, "fails"), (BLAME.fails, 2, "fails"), (ONE, 2, "passes"), (TWO, 2, "not run"))
    assert is_borne_out(BLAME, WHOLE, both)
    for query in both:
        if query.attempt > 1:
            assert not is_borne_out(BLAME, WHOLE, {each: both[each] for each in both if each != query})
    assert not is_borne_out(BLAME, WHOLE, {**both, **told((ONE, 1, "fails"))})


def test_the_whole_line_and_the_release_were_looked_at_before() -> None:
    assert is_borne_out(Blame(culprits=(1, 2, 3), partners=(), fails=WHOLE, passes=(frozenset(),)), WHOLE, {})


def test_chance_is_never_borne_out() -> None:
    assert not is_borne_out(Flaky(tickets=ONE), WHOLE, {})
