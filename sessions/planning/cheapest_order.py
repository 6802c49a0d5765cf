"""Find the merge order in which the fewest tickets conflict with an earlier one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sessions.tickets.order import Needs, find_cycles, merge_order

Neighbours = Mapping[int, frozenset[int]]

# In a group of up to this many tickets that conflicts connect, all choices are tried; in larger groups, tickets with
# the fewest conflicts go first.
_EXACT = 30


@dataclass(frozen=True, kw_only=True)
class Order:
    """``numbers`` in merge order; ``mending`` are those that conflict with an earlier one.

    ``is_best`` where no order has fewer of them.
    """

    numbers: tuple[int, ...]
    mending: tuple[int, ...]
    is_best: bool


def cheapest_order(numbers: Iterable[int], conflicts: Iterable[tuple[int, int]], needs: Needs) -> Order:
    """Order ``numbers`` so that few conflict with an earlier one.

    Dependencies come first, except for cyclic ones. A largest set of tickets without conflicts (a maximum independent
    set of the conflict graph) goes first; each of the others must then resolve its conflicts once.
    """
    around: dict[int, set[int]] = {number: set() for number in numbers}
    for first, second in conflicts:
        around[first].add(second)
        around[second].add(first)
    neighbours = {number: frozenset(others) for number, others in around.items()}
    parts = list(_parts(neighbours))
    free = frozenset[int]().union(*(_independent(part, neighbours) for part in parts))
    inside = {number: needs.get(number, frozenset()) & neighbours.keys() for number in neighbours}
    for cycle in find_cycles(inside):  # the radar also shows tickets that depend on each other
        inside |= {number: inside[number] - {*cycle} for number in cycle}
    order = merge_order(inside, rank=lambda number: 0 if number in free else 1)
    place = {number: at for at, number in enumerate(order)}
    mending = tuple(n for n in order if any(place[other] < place[n] for other in neighbours[n]))
    is_best = all(len(part) <= _EXACT for part in parts) and len(mending) == len(neighbours) - len(free)
    return Order(numbers=order, mending=mending, is_best=is_best)


def _parts(neighbours: Neighbours) -> Iterable[frozenset[int]]:
    """Return the connected components of the conflict graph."""
    left = set(neighbours)
    while left:
        part, open_ = set[int](), [min(left)]
        while open_:
            number = open_.pop()
            if number not in part:
                part.add(number)
                open_ += neighbours[number]
        left -= part
        yield frozenset(part)


def _independent(part: frozenset[int], neighbours: Neighbours) -> frozenset[int]:
    """Return a set of tickets without conflicts: a largest one for small components, a large one for others."""
    if not part:
        return frozenset()
    if len(part) > _EXACT:
        least = min(part, key=lambda number: (len(neighbours[number] & part), number))
        return _greedy(part, neighbours, least)
    most = max(part, key=lambda number: (len(neighbours[number] & part), -number))
    degree = len(neighbours[most] & part)
    if degree <= 1:  # pairs and single tickets: the lower of each pair
        return frozenset(number for number in part if not any(other < number for other in neighbours[number] & part))
    with_it = _independent(part - neighbours[most] - {most}, neighbours) | {most}
    without = _independent(part - {most}, neighbours)
    return with_it if len(with_it) > len(without) else without


def _greedy(part: frozenset[int], neighbours: Neighbours, least: int) -> frozenset[int]:
    chosen, left = {least}, part - neighbours[least] - {least}
    while left:
        least = min(left, key=lambda number: (len(neighbours[number] & left), number))
        chosen.add(least)
        left = left - neighbours[least] - {least}
    return frozenset(chosen)
