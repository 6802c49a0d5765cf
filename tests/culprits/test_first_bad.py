from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sessions.culprits.findings import SearchAnswer
from sessions.culprits.first_bad import FirstBad, Span
from sessions.gates.results import TestId

ONE, TWO = TestId(file="a"), TestId(file="b")


def run(length: int, first: dict[TestId, int], unclear: frozenset[int] = frozenset()) -> tuple[dict[TestId, Span], int]:
    """Where each test begins to fail, and how many rounds that took."""
    search, rounds = FirstBad(length, tuple(first)), 0

    def answer(test: TestId, place: int) -> SearchAnswer:
        return "unclear" if place in unclear else "fails" if place >= first[test] else "passes"

    while wanted := search.queries():
        rounds += 1
        for place, tests in wanted.items():
            search.learn(place, {test: answer(test, place) for test in tests})
    return search.found(), rounds


@given(st.integers(1, 200), st.data())
def test_each_test_is_found_in_few_rounds(length: int, data: st.DataObject) -> None:
    first = {test: data.draw(st.integers(0, length - 1)) for test in (ONE, TWO)}
    found, rounds = run(length, first)
    assert found == {test: Span(low=place - 1, high=place) for test, place in first.items()}
    assert rounds <= length.bit_length()


@given(st.integers(1, 60), st.data())
def test_what_cannot_be_run_widens_the_span_and_no_more(length: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, length - 1))
    unclear = data.draw(st.frozensets(st.integers(0, length - 2))) if length > 1 else frozenset()
    span = run(length, {ONE: place}, unclear)[0][ONE]
    assert span.low < place <= span.high
    assert all(between in unclear for between in range(span.low + 1, span.high))


def test_a_line_of_one_needs_no_question() -> None:
    assert run(1, {ONE: 0}) == ({ONE: Span(low=-1, high=0)}, 0)
    assert Span(low=-1, high=0).is_one
