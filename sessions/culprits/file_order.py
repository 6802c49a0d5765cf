"""In which order to run a gate's files, so that what tickets broke shows early. Pure; nothing is left out.

Each changed path is one chance of a fault, and each file of the gate shows such a fault with a probability that depends
on how near the two are. The next file is the one that finds most faults per second among those not found so far. This
greedy order of a submodular gain is the usual one of test prioritisation (Rothermel et al., *Prioritizing Test Cases
for Regression Testing*, IEEE TSE 27, 2001: "additional coverage", here of changes and per second).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

# How likely a file shows a fault in a path: the path itself, its namesake, and by how many imports are in between.
_SAME, _NAMESAKE, _BY_IMPORTS, _FAR, _UNRELATED = 1.0, 0.7, (1.0, 0.4, 0.15), 0.05, 0.01
# A file that failed anew on so many of the last days is so likely to find one more fault, of whatever path.
_FAILED_BEFORE = 0.2
# What a file of no length takes, in seconds: its import alone.
_LEAST = 0.05

Near = Callable[[str], Mapping[str, int]]


def order_files(
    files: Sequence[str],
    seconds: Mapping[str, float],
    changed: Collection[str],
    near: Near,
    failed: Mapping[str, int],
) -> tuple[str, ...]:
    """Return ``files``, those first that find most faults per second.

    ``seconds`` are usual durations (the median stands for a file without one), ``changed`` the paths that tickets
    change, ``near`` how many imports files are away from a path, ``failed`` how often files failed on earlier days.
    """
    known = sorted(value for file in files if (value := seconds.get(file)) is not None)
    usual = known[len(known) // 2] if known else 1.0
    chances = _chances(files, changed, near)
    left = dict.fromkeys(sorted(changed), 1.0)

    def rate(file: str) -> float:
        gain = sum(share * chances[path].get(file, _UNRELATED) for path, share in left.items())
        return (gain + _FAILED_BEFORE * failed.get(file, 0)) / max(seconds.get(file, usual), _LEAST)

    heap = [(-rate(file), place, file) for place, file in enumerate(files)]
    heapq.heapify(heap)
    ordered: list[str] = []
    while heap:
        _, place, file = heapq.heappop(heap)
        # Gains only shrink: if this file is still the best with its gain of now, it is the best of all.
        entry = (-rate(file), place, file)
        if heap and entry > heap[0]:
            heapq.heappush(heap, entry)
            continue
        ordered.append(file)
        for path in left:
            left[path] *= 1 - min(chances[path].get(file, _UNRELATED), 0.95)
    return tuple(ordered)


def first_part(ordered: Iterable[str], seconds: Mapping[str, float], share: float) -> tuple[str, ...]:
    """Return the first files whose durations add up to at most a ``share`` of all, and the first one in any case.

    A file that is too long for what is left is passed over, and shorter ones after it fill the share.
    """
    files = list(ordered)
    most, taken, part = share * sum(seconds.get(file, 0.0) for file in files), 0.0, list[str]()
    for file in files:
        if part and taken + seconds.get(file, 0.0) > most:
            continue
        taken += seconds.get(file, 0.0)
        part.append(file)
    return tuple(part)


def _chances(files: Sequence[str], changed: Collection[str], near: Near) -> dict[str, dict[str, float]]:
    """Return, for each changed path, how likely each file is to show a fault in it; others are unrelated."""
    inside = set(files)
    stems: dict[str, list[str]] = {}
    for file in files:
        stems.setdefault(_stem(file), []).append(file)
    found: dict[str, dict[str, float]] = {}
    for path in changed:
        by_imports = {
            file: _BY_IMPORTS[steps] if steps < len(_BY_IMPORTS) else _FAR
            for file, steps in near(path).items()
            if file in inside
        }
        named = {file: max(_NAMESAKE, by_imports.get(file, 0.0)) for file in stems.get(_stem(path), ())}
        found[path] = by_imports | named | ({path: _SAME} if path in inside else {})
    return found


def _stem(path: str) -> str:
    """Return what a file and its tests are both named after: ``version`` of ``test_version.py`` and ``version.py``."""
    return path.rpartition("/")[2].partition(".")[0].removeprefix("test_").removesuffix("_test").strip("_")
