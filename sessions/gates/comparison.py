"""Compare a gate's results on a head with those on the release. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sessions.gates.results import NO_STATUS, Failure, Presence, Results, TestId

# The name of the failure of a file whose tests are only counted, if fewer ran than on the release.
FEWER_TESTS = "number of tests"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The tests of the head and the release by how their results differ. Each is sorted; no test is in two of them.

    ``new`` fail on the head only, ``known`` on both, and ``fixed`` fail on the release and pass on the head. ``gone``
    ran on the release and are missing on the head, ``skipped`` ran on the release and are skipped on the head: only a
    ticket's diff can show that one of these is intended. ``brought`` are reported on the head only. ``more`` counts
    how many more tests ran on the head, for files whose tests are only counted.
    """

    new: tuple[Failure, ...] = ()
    known: tuple[TestId, ...] = ()
    fixed: tuple[TestId, ...] = ()
    gone: tuple[Failure, ...] = ()
    skipped: tuple[Failure, ...] = ()
    brought: tuple[TestId, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)


def compare(release: Results, head: Results) -> Comparison:
    """Compare test by test. The release must be measured: see :attr:`~sessions.gates.results.Results.is_measured`.

    Sage's own comparison ignores a whole file if anything in it fails in the baseline, so that a ticket can add
    failures to it unnoticed (Sage's #35788). If a file crashed on the release, its examples are unknown there, so none
    of its failures is new. A head whose run did not end normally always has a new failure.
    """
    head = hold_to_status(release, head)
    known = known_failures(release, head)
    excused = frozenset(known)
    missing = list(_missing(release, head))
    lost = {failure.test for failure in missing}
    return Comparison(
        new=tuple(
            each for each in head.failures if each.test not in excused and _is_credible(each.test, release, head)
        ),
        known=known,
        fixed=tuple(sorted(test for test in release.failing if _is_fixed(test, release, head) and test not in lost)),
        gone=tuple(failure for failure in missing if failure.kind == "gone"),
        skipped=tuple(failure for failure in missing if failure.kind == "skipped"),
        brought=tuple(sorted(test for test in _reported(head) if release.presence(test) is Presence.ABSENT)),
        more={
            file: more for file, ran in sorted(head.counts.items()) if (more := ran - release.counts.get(file, 0)) > 0
        },
    )


def known_failures(release: Results, head: Results) -> tuple[TestId, ...]:
    """Return the tests that fail on the head, and failed on the release or were hidden by a failure there."""
    return tuple(failure.test for failure in head.failures if _was_known(release, failure.test))


def restrict(results: Results, keep: Callable[[str], bool]) -> Results:
    """Return the results of the tests in some files; the rest is as if it had not run."""
    return replace(
        results,
        failures=tuple(failure for failure in results.failures if keep(failure.test.file)),
        passed=tuple(test for test in results.passed if keep(test.file)),
        skipped=tuple(test for test in results.skipped if keep(test.file)),
        counts={file: count for file, count in results.counts.items() if keep(file)},
        files=tuple(file for file in results.files if keep(file)),
        times={file: seconds for file, seconds in results.times.items() if keep(file)},
        status=NO_STATUS,
    )


def hold_to_status(release: Results, results: Results) -> Results:
    """Return the results, with ``trouble`` if the same tests fail as on the release but the exit status differs.

    No format knows what each status of each test runner means. But if the same tests fail and the status differs, the
    run ended in another way: for example, it was interrupted after all known failures.
    """
    same = results.failing.keys() == release.failing.keys()
    if not (same and results.failures and results.is_measured and release.is_measured):
        return results
    if results.status == release.status or NO_STATUS in (results.status, release.status):
        return results
    trouble = f"The same tests fail as on the release, but the status is {results.status} and not {release.status}"
    gate = Failure(test=TestId(file="", name=results.gate), kind="error", message=f"{trouble}.")
    return replace(results, trouble=trouble, failures=(gate, *results.failures))


def _was_known(release: Results, test: TestId) -> bool:
    """Whether the release has a failure too. The failure of a whole gate is never known: the gate measured nothing."""
    return not test.is_whole_gate and release.presence(test) in (Presence.FAILED, Presence.HIDDEN)


def _is_credible(test: TestId, release: Results, head: Results) -> bool:
    """Whether to report a failure: all of a run that ended normally, otherwise only those of the release's tests.

    A damaged report may have names that belong to no test. Such failures are reported once the run ends normally.
    """
    return head.is_measured or test.is_whole_gate or release.presence(test) is not Presence.ABSENT


def _is_fixed(test: TestId, release: Results, head: Results) -> bool:
    is_left_out = test.file in release.files and test.file not in head.files
    return head.presence(test) is Presence.PASSED and not is_left_out and not _has_fewer(test.file, release, head)


def _missing(release: Results, head: Results) -> Iterator[Failure]:
    """Yield failures for tests that ran on the release and not on the head, and for files in which fewer tests ran."""
    ran = {*release.passed, *(test for test in release.failing if not test.is_whole_gate)}
    for test in sorted({*ran, *map(TestId, release.counts)}):
        if head.presence(test) is Presence.ABSENT:
            yield Failure(test=test, kind="gone", message="It ran on the release, and is not reported here.")
        elif head.presence(test) is Presence.SKIPPED:
            yield Failure(test=test, kind="skipped", message="It ran on the release, and is skipped here.")
    for file in sorted(release.counts):
        if _has_fewer(file, release, head):
            before, here = release.counts[file], head.counts[file]
            yield Failure(
                test=TestId(file, FEWER_TESTS),
                kind="gone",
                message=f"{before} tests ran on the release, and {here} here.",
                expected=before,
            )


def _has_fewer(file: str, release: Results, head: Results) -> bool:
    return file in head.counts and head.counts[file] < release.counts.get(file, 0)


def _reported(results: Results) -> frozenset[TestId]:
    """Return all tests that a run reports by name rather than by a count for their file."""
    named: Iterable[TestId] = (*results.passed, *results.skipped, *results.failing)
    return frozenset(test for test in named if not test.is_whole_gate and test.file not in results.counts)
