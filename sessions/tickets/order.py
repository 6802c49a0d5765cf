"""Order tickets for merging: by dependencies, then by priority, then by number or the tracker's order. Pure."""

from __future__ import annotations

import graphlib
import heapq
from collections.abc import Callable, Mapping

Needs = Mapping[int, frozenset[int]]


def find_cycles(needs: Needs) -> list[tuple[int, ...]]:
    """Return the cycles among the dependencies, each as a path: ``(12, 15, 12)``."""
    rest = dict(needs)
    found: list[tuple[int, ...]] = []
    while True:
        try:
            graphlib.TopologicalSorter(rest).prepare()
        except graphlib.CycleError as error:
            cycle = tuple(reversed(error.args[1]))
            found.append(cycle)
            rest = {number: required - set(cycle) for number, required in rest.items() if number not in cycle}
        else:
            return found


def merge_order(
    needs: Needs, rank: Callable[[int], int], place: Callable[[int], int] = lambda number: number
) -> tuple[int, ...]:
    """Return all tickets of ``needs``, which must be free of cycles, in the order in which to merge them.

    ``rank`` is a ticket's priority, 0 is the highest; among equals, the lower ``place`` comes first.

    A dependency of a blocker is as urgent as the blocker: a ticket's rank is the best of its own rank and those of all
    tickets that need it. Dependencies that are not keys of ``needs`` are ignored.
    """
    inside = {number: required & needs.keys() for number, required in needs.items()}
    urgency = {number: rank(number) for number in inside}
    for number in reversed(tuple(graphlib.TopologicalSorter(inside).static_order())):
        for required in inside[number]:
            urgency[required] = min(urgency[required], urgency[number])
    sorter = graphlib.TopologicalSorter(inside)
    sorter.prepare()
    ready: list[tuple[int, int, int]] = []
    order: list[int] = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heapq.heappush(ready, (urgency[number], place(number), number))
        *_, number = heapq.heappop(ready)
        order.append(number)
        sorter.done(number)
    return tuple(order)


def closure(numbers: frozenset[int], needs: Needs) -> frozenset[int]:
    """Return ``numbers`` with all their direct and indirect dependencies."""
    found: set[int] = set()
    open_ = list(numbers)
    while open_:
        number = open_.pop()
        if number not in found:
            found.add(number)
            open_.extend(needs.get(number, frozenset()))
    return frozenset(found)
