"""Tickets that enter together are searched, proven and blamed as one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.culprits.finder import CulpritFinder
from sessions.culprits.findings import Blame
from sessions.culprits.units import Units
from sessions.gates.run_history import RunHistory
from sessions.tickets.order import closure

Together = dict[int, frozenset[int]]


def groups_of(*groups: set[int]) -> Together:
    return {number: frozenset(group - {number}) for group in groups for number in group}


@st.composite
def lines(draw: st.DrawFn) -> tuple[tuple[int, ...], Together, dict[int, frozenset[int]]]:
    """A merge line of 2 to 20 tickets, its groups, and dependencies on earlier tickets."""
    line = tuple(draw(st.permutations(range(1, draw(st.integers(2, 20)) + 1))))
    colours = draw(st.lists(st.integers(0, 8), min_size=len(line), max_size=len(line)))
    groups = [{n for n, colour in zip(line, colours, strict=True) if colour == wanted} for wanted in range(3)]
    needs = {
        number: draw(st.frozensets(st.sampled_from((*line[:place], 900)), max_size=2))
        for place, number in enumerate(line)
    }
    return line, groups_of(*groups), needs


@given(day=lines(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_no_run_splits_a_group_and_the_group_is_blamed_as_a_whole(
    day: tuple[tuple[int, ...], Together, dict[int, frozenset[int]]], data: st.DataObject
) -> None:
    line, together, needs = day
    culprit = data.draw(st.sampled_from(line))
    finder = CulpritFinder(
        line=line,
        needs=needs,
        tests=["a"],
        suspicion={"a": data.draw(st.dictionaries(st.sampled_from(line), st.floats(0, 5), max_size=3))},
        histories={"a": RunHistory(runs=100)},
        together=together,
    )
    whole = frozenset(line)
    required = {number: (needs[number] | together.get(number, frozenset())) & whole for number in line}
    while queries := finder.queries():
        for query, tests in queries:
            assert closure(query.tickets, required) == query.tickets
            finder.learn(query, dict.fromkeys(tests, "fails" if culprit in query.tickets else "passes"))
    found = finder.findings()["a"]
    assert isinstance(found, Blame)
    as_one = {n for n in closure(frozenset([culprit]), required) if culprit in closure(frozenset([n]), required)}
    assert set(found.culprits) == as_one
    assert found.partners == ()
    assert as_one <= found.fails
    assert all(not as_one & subset for subset in found.passes)


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({}, {1: (1,), 3: (3,), 4: (2, 4)}),
        ({4: {3}, 3: {2}}, {1: (1,), 4: (2, 3, 4)}),  # what the group needs, and what needs the group
        ({3: {2}}, {1: (1,), 4: (2, 4), 3: (3,)}),  # its unit comes before what needs it
    ],
)
def test_a_group_is_one_ticket_in_merge_order(needs: dict[int, set[int]], expected: dict[int, tuple[int, ...]]) -> None:
    units = Units.of((1, 2, 3, 4), {n: frozenset(each) for n, each in needs.items()}, groups_of({2, 4, 99}))
    assert units.line == tuple(expected)
    assert units.members == expected
    assert units.contract({2: 1.0, 4: 0.5, 1: 0.0}) == {4: 1.5}


def test_a_line_without_groups_is_as_it_is() -> None:
    needs = {2: frozenset({1})}
    units = Units.of((1, 2), needs, {1: (), 2: (7,)})
    assert (units.line, units.needs, units.members) == ((1, 2), needs, {})
