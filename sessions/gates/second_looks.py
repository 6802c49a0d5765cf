"""Decide from further runs on the release which of its failures are known. Pure.

A test that failed in the only run on the release may have failed by chance. If it counted as known, the ticket that
breaks it would stay: so a failure is known if another run shows it, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sessions.gates.comparison import restrict
from sessions.gates.results import Presence, Results, TestId
from sessions.gates.run_history import RunCounts


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The ``release``'s results without the failures that did not come again.

    ``counts`` are the runs on the release of those tests. ``once`` are failures that stay known although only one run
    has shown them, as no other run says anything about them.
    """

    release: Results
    counts: Mapping[TestId, RunCounts] = field(default_factory=dict)
    once: tuple[TestId, ...] = ()


def settle(release: Results, looks: Sequence[Results], known: Iterable[TestId]) -> Settled:
    """Return what the release's results say after more ``looks`` at it, the last of which ran the most files.

    ``known`` are the tests to settle: they failed on the release, or a failure there hides them.
    """
    seen = {test: [fails_again(release, look, test) for look in looks] for test in known}
    unconfirmed = {test: again for test, again in seen.items() if True not in again}
    counts = {
        test: RunCounts(fails=release.presence(test) is Presence.FAILED, passes=again.count(False))
        for test, again in unconfirmed.items()
        if again[-1:] == [False]
    }
    settled = _without(release, looks[-1], counts.keys()) if counts else release
    return Settled(release=settled, counts=counts, once=tuple(sorted(unconfirmed.keys() - counts.keys())))


def fails_again(release: Results, look: Results, test: TestId) -> bool | None:
    """Whether a failure of the release came again in another run; ``None`` if that run does not tell.

    What a failure of its file hid on the release fails again if the file's failure does.
    """
    was_hidden = release.presence(test) is Presence.HIDDEN
    if not look.is_measured:
        return None
    match look.presence(test):
        case Presence.FAILED:
            return True
        case Presence.PASSED:
            return False
        case Presence.HIDDEN:
            return True if was_hidden else None
        case Presence.ABSENT:
            return False if was_hidden and test.file in look.tested_files else None
        case Presence.SKIPPED:
            return None


def _without(release: Results, look: Results, passing: Collection[TestId]) -> Results:
    """Return the results without the failures of ``passing`` tests, and with what a look saw in hidden files."""
    opened = {test.file for test in passing if release.hides(test.file)}
    closed = restrict(release, lambda file: file not in opened)
    seen = restrict(look, lambda file: file in opened)
    named = {test for test in passing if test.file not in opened and test.file not in release.counts}
    failures = (*(each for each in closed.failures if each.test not in passing), *seen.failures)
    return replace(
        release,
        failures=tuple(sorted(failures, key=lambda failure: failure.test)),
        passed=tuple(sorted({*closed.passed, *seen.passed, *named})),
        skipped=tuple(sorted({*closed.skipped, *seen.skipped})),
        counts={**closed.counts, **seen.counts},
    )
