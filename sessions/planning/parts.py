"""The parts of a queue whose tickets bear on each other: they share a file, a commit or a need. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence


def split_parts(
    order: Sequence[int], keys: Mapping[int, frozenset[Hashable]], groups: Iterable[frozenset[int]]
) -> tuple[tuple[int, ...], ...]:
    """Split ``order`` into parts so that tickets with a common key, and those of one group, are in one part.

    The parts are in the order of their first ticket, and each is in merge order.
    """
    leader = {number: number for number in order}

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = number = leader[leader[number]]
        return number

    def join(numbers: Iterable[int]) -> None:
        first, *rest = [find(number) for number in numbers if number in leader] or [0]
        for other in rest:
            leader[other] = first

    holders = dict[Hashable, list[int]]()
    for number in order:
        for key in keys[number]:
            holders.setdefault(key, []).append(number)
    for group in (*holders.values(), *groups):
        join(group)
    parts = dict[int, list[int]]()
    for number in order:
        parts.setdefault(find(number), []).append(number)
    return tuple(tuple(part) for part in parts.values())
