"""Join the results of shards: parts of a gate that ran separately, each on other files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sessions.gates.results import NO_STATUS, Results
from sessions.gates.shards import ShardFiles

Part = TypeVar("Part")


def complete(shards: Mapping[ShardFiles, Part], files: Iterable[str]) -> tuple[Part, ...]:
    """Return the parts of the smallest division that is complete: each of ``files`` is in exactly one of its shards.

    Empty if none is complete. Shards of different divisions may overlap.
    """
    expected = sorted(files)
    for count in sorted({each.shard.count for each in shards}):
        division = {each.shard.place: each for each in shards if each.shard.count == count}
        tested = sorted(name for each in division.values() for name in each.files)
        # Empty shards never run.
        has_all = all(place in division or count > len(expected) for place in range(1, count + 1))
        if tested == expected and has_all:
            return tuple(shards[each] for _, each in sorted(division.items()))
    return ()


def join_results(parts: Sequence[Results]) -> Results:
    """Join the results of several runs. If several have the same test, as after a crash, its first failure counts.

    The whole has trouble if any part has. Several parts have no common status, so it is :data:`NO_STATUS`.
    """
    failures = {failure.test: failure for part in reversed(parts) for failure in part.failures}
    passed = {test for part in parts for test in part.passed} - failures.keys()
    return Results(
        gate=parts[0].gate if parts else "",
        failures=tuple(failures[test] for test in sorted(failures)),
        passed=tuple(sorted(passed)),
        skipped=tuple(sorted({test for part in parts for test in part.skipped} - failures.keys() - passed)),
        counts={file: count for part in parts for file, count in part.counts.items()},
        lists_faults=any(part.lists_faults for part in parts),
        files=tuple(sorted({file for part in parts for file in part.files})),
        tests=sum(part.tests for part in parts),
        trouble=next((part.trouble for part in parts if part.trouble), ""),
        status=parts[0].status if len(parts) == 1 else NO_STATUS,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        times={file: seconds for part in parts for file, seconds in part.times.items()},
    )
