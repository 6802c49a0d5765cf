from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.tickets.order import closure, find_cycles, merge_order

Graph = dict[int, frozenset[int]]
NUMBERS = st.integers(1, 9)
# What a ticket waits for may also be one that nobody listed.
GRAPHS = st.dictionaries(NUMBERS, st.frozensets(st.integers(1, 12), max_size=3))
RANKS = st.fixed_dictionaries({number: st.integers(0, 2) for number in range(1, 10)})


def without_cycles(graph: Graph) -> Graph:
    """Only what leads to a number of another turn; 7 is no more a neighbour of 8 than of 2."""
    turn = {number: number * 5 % 13 for number in range(1, 13)}
    return {number: frozenset(n for n in wanted if turn[n] < turn[number]) for number, wanted in graph.items()}


@given(GRAPHS, RANKS)
def test_order_is_that_of_somebody_who_picks_one_by_one(graph: Graph, ranks: dict[int, int]) -> None:
    """Of all whose needs are merged, the most urgent; urgent is also what an urgent one waits for."""
    needs = without_cycles(graph)
    urgency = {n: min(ranks[other] for other in needs if n in closure(frozenset([other]), needs)) for n in needs}
    expected: list[int] = []
    while len(expected) < len(needs):
        free = [n for n in needs if n not in expected and needs[n] & needs.keys() <= set(expected)]
        expected.append(min(free, key=lambda n: (urgency[n], n)))
    assert merge_order(needs, ranks.__getitem__) == tuple(expected)


@given(GRAPHS, RANKS)
def test_order_is_topological_and_by_rank_where_nothing_is_needed(graph: Graph, ranks: dict[int, int]) -> None:
    needs = without_cycles(graph)
    order = merge_order(needs, ranks.__getitem__)
    assert sorted(order) == sorted(needs)
    place = {number: at for at, number in enumerate(order)}
    assert all(place[wanted] < place[n] for n in needs for wanted in needs[n] & needs.keys())
    alone = dict.fromkeys(needs, frozenset[int]())
    assert merge_order(alone, ranks.__getitem__) == tuple(sorted(needs, key=lambda n: (ranks[n], n)))


def test_what_a_blocker_waits_for_is_as_urgent_as_the_blocker() -> None:
    needs: Graph = {1: frozenset(), 5: frozenset(), 8: frozenset(), 9: frozenset({8}), 10: frozenset({9})}
    ranks = {1: 1, 5: 0, 8: 4, 9: 3, 10: 0}
    assert merge_order(needs, ranks.__getitem__) == (5, 8, 9, 10, 1)


def test_the_tracker_may_say_who_comes_first_of_equals() -> None:
    needs: Graph = {1: frozenset(), 2: frozenset(), 3: frozenset({1})}
    assert merge_order(needs, rank=lambda _: 0, place=lambda number: -number) == (2, 1, 3)


@given(GRAPHS)
def test_every_cycle_is_one_and_none_is_left(needs: Graph) -> None:
    cycles = find_cycles(needs)
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(wanted in needs[number] for number, wanted in pairwise(cycle))
    named = {number for cycle in cycles for number in cycle}
    assert sum(len(set(cycle)) for cycle in cycles) == len(named), "nobody is named twice"
    rest = {number: wanted - named for number, wanted in needs.items() if number not in named}
    assert len(merge_order(rest, lambda _: 0)) == len(rest)
    assert bool(cycles) == any(n in closure(wanted & needs.keys(), needs) for n, wanted in needs.items())


@pytest.mark.parametrize(
    ("needs", "cycles"),
    [
        ({}, []),
        ({1: {2}, 2: {3}, 3: set()}, []),
        ({1: {1}}, [{1}]),
        ({12: {15}, 15: {12}, 3: {12}}, [{12, 15}]),
        ({1: {2}, 2: {3}, 3: {1}, 7: {8}, 8: {7}, 9: {8}}, [{1, 2, 3}, {7, 8}]),
    ],
)
def test_those_who_wait_for_each_other_are_named(needs: dict[int, set[int]], cycles: list[set[int]]) -> None:
    found = find_cycles({number: frozenset(wanted) for number, wanted in needs.items()})
    assert sorted(map(sorted, map(set, found))) == sorted(map(sorted, cycles))


def test_closure_goes_through_what_nobody_listed_and_round_in_circles() -> None:
    needs: Graph = {1: frozenset({2, 99}), 2: frozenset({3}), 3: frozenset({1}), 4: frozenset({1})}
    assert closure(frozenset([1]), needs) == {1, 2, 3, 99}
    assert closure(frozenset(), needs) == frozenset()
