"""What is new: a gate's results on a head beside those on the release. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.gates.results import Failure, Results, TestId


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The tests that fail only on the head, on both, and only on the release; each sorted."""

    new: tuple[Failure, ...]
    known: tuple[TestId, ...]
    fixed: tuple[TestId, ...]


def compare(release: Results, head: Results) -> Comparison:
    """Compare test by test.

    Sage's own comparison excuses a whole file once anything in it fails in the baseline, so that a ticket can add
    failures to it unseen (its #35788). Where a file crashed on the release, its examples are unknown there: then
    none of its failures is new.
    """
    before = {failure.test for failure in release.failures}
    crashed = {test.file for test in before if test.file and not test.name}
    after = {failure.test for failure in head.failures}
    masked = {test.file for test in after if test.file and not test.name}
    # Where the head's run broke off, only the files that it is known to have tested can be better now.
    reached = set(head.files) if any(not test.file for test in after) else {test.file for test in before}
    return Comparison(
        new=tuple(each for each in head.failures if each.test not in before and each.test.file not in crashed),
        known=tuple(sorted(test for test in after if test in before or test.file in crashed)),
        fixed=tuple(sorted(test for test in before - after if test.file not in masked and test.file in reached)),
    )
