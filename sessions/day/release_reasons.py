"""Which new tests fail for a reason that the release has by itself, and which failures have one cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sessions.day.changed_tests import ChangedTests, TestChanges
from sessions.gates.causes import Cause, cause_of
from sessions.gates.comparison import Comparison
from sessions.gates.locating import Locator
from sessions.gates.results import Failure, Presence, Results, TestId
from sessions.terminal.phrases import counted


@dataclass(frozen=True, kw_only=True)
class SharedCause:
    """Failures that end with the same ``words``; in one ``file`` of the project, if it is not empty.

    ``known`` fail on the release too; ``new`` are tests that the release does not have, and no ticket leaves for them.
    """

    words: str
    file: str
    known: tuple[TestId, ...]
    new: tuple[TestId, ...]


@dataclass(frozen=True, kw_only=True)
class ReleaseReasons:
    """Compares how tests fail on the head with how they fail on the release.

    ``changes`` are what the tickets of the head do to tests, ``tracked`` finds all files of the head.
    """

    release: Results
    head: Results
    comparison: Comparison
    changed: ChangedTests
    changes: Mapping[int, TestChanges]
    tracked: Locator

    @cached_property
    def excused(self) -> Mapping[TestId, Cause]:
        """The tests that the head's tickets add and that fail as tests of the release do, there and on the head.

        Such a test says nothing about its ticket. To be certain that it is the release's reason, all of this must hold:
        the release does not have the test, and no ticket that brings it takes away or skips another one; no assertion
        fails; and either a module is missing that the project does not have itself, or the error passes the same
        statement of a file that no ticket of the head changes and that is not the test's own.
        """
        found = ((failure.test, cause) for failure in self.comparison.new if (cause := self._release_cause(failure)))
        return dict(found)

    @cached_property
    def moved(self) -> frozenset[TestId]:
        """The failures of the release that tickets of the head moved to other files."""
        return self.changed.moved(self.comparison, self.release.failing)

    def by_ticket(self) -> dict[int, tuple[TestId, ...]]:
        """Return the excused and the moved tests by the first ticket that brings each."""
        shares: dict[int, list[TestId]] = defaultdict(list)
        for test in sorted(self.excused.keys() | self.moved):
            shares[self.changed.who_brings(test)[0]].append(test)
        return {number: tuple(tests) for number, tests in shares.items()}

    def shared(self) -> tuple[SharedCause, ...]:
        """Return the causes that several known failures have, or a known one and an excused one; the commonest first.

        Here assertions count as well: that failures end alike is worth knowing, and nothing follows from it.
        """
        known: dict[str, list[tuple[TestId, Cause]]] = defaultdict(list)
        for test in self.comparison.known:
            if cause := _cause(self.head, test):
                known[cause.words].append((test, cause))
        new: dict[str, list[TestId]] = defaultdict(list)
        for test, cause in self.excused.items():
            new[cause.words].append(test)
        causes = [self._shared(words, known[words], new.get(words, [])) for words in known]
        causes = [each for each in causes if len(each.known) > 1 or each.new]
        return tuple(sorted(causes, key=lambda each: (-len(each.known), each.words)))

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each cause of the release with which new tests fail."""
        for cause in self.shared():
            if cause.new:
                fail = "fails" if len(cause.new) == 1 else "fail"
                tests = counted(len(cause.new), "new test")
                yield f"{tests} {fail} for the release's own reason, and no ticket leaves for that: {cause.words}"

    @staticmethod
    def _shared(words: str, known: list[tuple[TestId, Cause]], new: list[TestId]) -> SharedCause:
        files = {cause.file for _, cause in known}
        file = files.pop() if len(files) == 1 else ""
        return SharedCause(words=words, file=file, known=tuple(test for test, _ in known), new=tuple(new))

    @cached_property
    def _causes_of_release(self) -> frozenset[Cause]:
        """The causes with which a test fails on the release and still fails on the head."""
        return frozenset(self._steady_causes())

    def _steady_causes(self) -> Iterator[Cause]:
        for test in self.comparison.known:
            cause = _cause(self.head, test)
            if cause and cause == _cause(self.release, test):
                yield cause

    def _release_cause(self, failure: Failure) -> Cause | None:
        """Return the cause of a failure if it is one of the release's; see :attr:`excused`."""
        test, cause = failure.test, _cause(self.head, failure.test)
        if cause is None or cause not in self._causes_of_release or cause.is_assertion:
            return None
        if test.is_whole_gate or self.release.presence(test) is not Presence.ABSENT:
            return None
        bringing = self.changed.who_brings(test)
        if not bringing or any(self._loses_tests(number) for number in bringing):
            return None
        return cause if self._is_foreign(cause, test) else None

    def _loses_tests(self, number: int) -> bool:
        changes = self.changes.get(number, TestChanges())
        return bool(changes.takes or changes.skips)

    def _is_foreign(self, cause: Cause, test: TestId) -> bool:
        """Whether no ticket of the head can have made a cause: it is no code of a ticket's or of the test's."""
        if cause.module:
            package, is_inner, _ = cause.module.partition(".")
            return not is_inner or not self.tracked.has_folder(package)
        path = self.tracked.locate(cause.file) if cause.statement else None
        if path is None or path == self.tracked.locate(test.file):
            return False
        return not any(path in diff.touched for diff in self.changed.diffs.values())


def _cause(results: Results, test: TestId) -> Cause | None:
    failure = results.failing.get(test)
    return cause_of(failure.message) if failure else None
