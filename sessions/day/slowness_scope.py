"""Decide which files of a gate are worth running in pairs, as they may be slower on the head. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, chain
from statistics import median

from sessions.culprits.slowness import is_suspect
from sessions.gates.results import Results

# How many pairs judge most files where the machine is quiet.
_USUAL_PAIRS = 10


def suspect_files(release: Results, head: Results) -> tuple[str, ...]:
    """Return the files, by the names of the report, whose run on the head took long beside that on the release.

    The one that became slower the most comes first.

    A file with more or fewer tests than on the release is not judged: it takes another time for a good reason. Nor is
    one in which a test fails.
    """
    ratios = {file: head.times[file] / release.times[file] for file in head.times if release.times.get(file)}
    before, after = _counts(release), _counts(head)
    failing = {failure.test.file for failure in (*release.failures, *head.failures)}
    usual = median(ratios.values()) if ratios else 1.0
    suspects = (
        file
        for file in ratios
        if before[file] == after[file] and file not in failing
        if is_suspect(release.times[file], head.times[file], usual)
    )
    return tuple(sorted(suspects, key=lambda file: (-ratios[file], file)))


def affordable(files: Sequence[str], release: Results, head: Results, seconds: float) -> tuple[str, ...]:
    """Return the first of the files, at least one, as many as probably can be judged in so many seconds."""
    costs = accumulate(_USUAL_PAIRS * (release.times[file] + head.times[file]) for file in files)
    return tuple(
        file for place, (file, cost) in enumerate(zip(files, costs, strict=True)) if not place or cost <= seconds
    )


def _counts(results: Results) -> Counter[str]:
    """Return how many tests each file has."""
    named = Counter(test.file for test in chain(results.passed, results.skipped))
    return named + Counter(dict(results.counts))
