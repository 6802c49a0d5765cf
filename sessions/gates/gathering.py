"""One result of several: a gate that ran in shards, each on other files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from sessions.gates.results import Results

Told = TypeVar("Told")


def complete(shards: Mapping[tuple[int, int, tuple[str, ...]], Told], files: Iterable[str]) -> tuple[Told, ...]:
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
    """All that several runs told: of a test in several, as after a crash, the first failure counts."""
    failures = {failure.test: failure for part in reversed(parts) for failure in part.failures}
    return Results(
        failures=tuple(failures[test] for test in sorted(failures)),
        files=tuple(sorted({file for part in parts for file in part.files})),
        tests=sum(part.tests for part in parts),
        times={file: seconds for part in parts for file, seconds in part.times.items()},
    )
