"""One result of several: a gate that ran in shards, each on other files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sessions.gates.results import NO_STATUS, Results

Part = TypeVar("Part")


def complete(shards: Mapping[tuple[int, int, tuple[str, ...]], Part], files: Iterable[str]) -> tuple[Part, ...]:
    """What the shards of one division told, if all of that division have and each of ``files`` is in just one.

    Shards are known by their place, their number and their files; divisions into fewer come first. Empty if none is
    complete: shards that were planned apart from each other may overlap.
    """
    wanted = sorted(files)
    for count in sorted({count for _, count, _ in shards}):
        there = {place: (names, told) for (place, of, names), told in shards.items() if of == count}
        tested = sorted(name for names, _ in there.values() for name in names)
        if tested == wanted and all(place in there or count > len(wanted) for place in range(1, count + 1)):
            return tuple(told for _, (_, told) in sorted(there.items()))
    return ()


def put_together(parts: Sequence[Results]) -> Results:
    """The account of several runs as one: of a test in several, as after a crash, the first failure counts.

    It has trouble where any part has. Several parts have no status: each ended with one of its own.
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
