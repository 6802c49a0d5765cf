"""What became of each test: a gate's results on a head beside those on the release. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sessions.gates.results import NO_STATUS, Failure, Presence, Results, TestId

# The name under which a file whose tests are only counted fails, where fewer of them ran.
FEWER_TESTS = "number of tests"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What became of the release's tests on the head. All sorted, each test in one of them at the most.

    ``new`` fail on the head alone, ``known`` on both, ``fixed`` failed on the release and were seen to pass here.
    ``gone`` ran on the release and are not reported here, and ``skipped`` ran there and are skipped here: of both,
    only a ticket's own diff can say that this is as it should be. ``brought`` are reported by the head alone. Of files
    whose tests are only counted, ``more`` says how many more ran on the head.
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

    Sage's own comparison excuses a whole file once anything in it fails in the baseline, so that a ticket can add
    failures to it unseen (its #35788). Where a file crashed on the release, its examples are unknown there: then
    none of its failures is new. A head that does not account for its end is never excused by the release.
    """
    head = hold_to_status(release, head)
    known = tuple(failure.test for failure in head.failures if _was_known(release, failure.test))
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


def hold_to_status(release: Results, results: Results) -> Results:
    """The same results; with trouble where the same tests fail as on the release and the command ended otherwise.

    No format can know what every status of every runner means. But where the very same tests fail, the run ended in
    another way: it was interrupted, for example, after all known failures.
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
    """Whether a failure says nothing new. A gate that failed as a whole is never known: it measured nothing."""
    return not test.is_whole_gate and release.presence(test) in (Presence.FAILED, Presence.HIDDEN)


def _is_credible(test: TestId, release: Results, head: Results) -> bool:
    """Whether a failure is told: all of a run that came to its end, else those of tests that the release has as well.

    What a damaged report calls a test may be no test's name. Once nobody breaks the run as a whole, it tells.
    """
    return head.is_measured or test.is_whole_gate or release.presence(test) is not Presence.ABSENT


def _is_fixed(test: TestId, release: Results, head: Results) -> bool:
    is_left_out = test.file in release.files and test.file not in head.files
    return head.presence(test) is Presence.PASSED and not is_left_out and not _has_fewer(test.file, release, head)


def _missing(release: Results, head: Results) -> Iterator[Failure]:
    """The tests that ran on the release and not here, and the files in which fewer ran."""
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
    """All tests that a run reports by name, and of which it does not only count the file's."""
    named: Iterable[TestId] = (*results.passed, *results.skipped, *results.failing)
    return frozenset(test for test in named if not test.is_whole_gate and test.file not in results.counts)
