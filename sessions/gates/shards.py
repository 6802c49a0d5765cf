"""A gate's files split among machines: longest processing time first. Pure.

R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17 (1969): the longest file that is left
goes to the machine with the least to do. The last machine ends after at most 4/3 - 1/(3K) of the best possible time.
"""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Shard:
    """Part ``place``, from 1 on, of ``count`` parts of a gate."""

    place: int
    count: int

    def __str__(self) -> str:
        return f"{self.place}/{self.count}"


@dataclass(frozen=True)
class ShardFiles:
    """A shard, and the files that it tests."""

    shard: Shard
    files: tuple[str, ...]


def balance(times: Mapping[str, float], files: Sequence[str], count: int) -> tuple[tuple[str, ...], ...]:
    """Split ``files`` into ``count`` shards that take about equally long; each in the order of ``files``.

    ``times`` are seconds, as measured before. A file without a time is assumed to take the median of those that have
    one; if none has, the shards get equally many files. The order of ``times`` does not matter. A file that is listed
    twice is in one shard once; with fewer files than shards, some are empty.

    Raises ValueError for a ``count`` below 1.

    >>> balance({"a": 9, "b": 4, "c": 4}, ["a", "b", "c", "new"], 2)
    (('a',), ('b', 'c', 'new'))
    """
    if count < 1:
        raise ValueError(f"{count} shards: there must be 1 at least")
    place = {file: at for at, file in enumerate(dict.fromkeys(files))}
    known = {file: times[file] for file in place if file in times}
    usual = statistics.median(known.values()) if known else 1.0
    shards: list[list[str]] = [[] for _ in range(count)]
    # By load, then by number of files: those that take no time are spread, too.
    machines = [(0.0, 0, shard) for shard in range(count)]
    for file in sorted(place, key=lambda file: (-known.get(file, usual), file)):
        load, held, shard = machines[0]
        shards[shard].append(file)
        heapq.heapreplace(machines, (load + known.get(file, usual), held + 1, shard))
    return tuple(tuple(sorted(shard, key=place.__getitem__)) for shard in shards)
