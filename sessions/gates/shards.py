"""A gate's files parted among several machines so that all end at about the same time. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from statistics import median


def balance(times: Mapping[str, float], files: Sequence[str], count: int) -> tuple[tuple[str, ...], ...]:
    """``files`` in ``count`` shards, each in exactly one: the longest first, to the shard that has least to do.

    ``times`` are seconds; a file without one takes as long as the median of the others. R. L. Graham, "Bounds on
    multiprocessing timing anomalies" (1969): never longer than 4/3 of the best.
    """
    usual = median(times.values()) if times else 1.0
    longest = sorted(set(files), key=lambda file: (-times.get(file, usual), file))
    shards: list[list[str]] = [[] for _ in range(count)]
    loads = [(0.0, place) for place in range(count)]
    for file in longest:
        load, place = heapq.heappop(loads)
        shards[place].append(file)
        heapq.heappush(loads, (load + times.get(file, usual), place))
    return tuple(tuple(sorted(shard)) for shard in shards)
