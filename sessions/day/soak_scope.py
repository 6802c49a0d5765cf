"""Find the test files that the tickets of a head add or change, and the tests in them that may turn out flaky."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sessions.culprits.soak import is_settled
from sessions.day.gate_files import GateFiles
from sessions.day.progress import Measured
from sessions.gates.locating import Locator
from sessions.gates.results import Results, TestId
from sessions.gates.run_history import RunCounts
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff


@dataclass(frozen=True, kw_only=True)
class SoakScope:
    """``files`` are the gate's test files that each ticket adds or changes.

    ``tests`` are, by file, those that pass on the head; of a format that only counts them, the file itself. ``known``
    fail on the release, too, and are nobody's.
    """

    files: Mapping[int, tuple[str, ...]]
    tests: Mapping[str, tuple[TestId, ...]]
    known: frozenset[TestId]
    locator: Locator

    def file_of(self, test: TestId) -> str:
        """Return which of the files a test is in; empty if it is in none of them."""
        path = "" if test.is_whole_gate else self.locator.locate(test.file) or ""
        return path if path in self.tests else ""

    def failing(self, file: str, runs: Iterable[Results]) -> frozenset[TestId]:
        """Return the tests of a file that failed in any of these runs and are not known to."""
        failed = {failure.test for results in runs for failure in results.failures}
        return frozenset(test for test in failed - self.known if self.file_of(test) == file)

    def is_settled(self, file: str, runs: Sequence[Results]) -> bool:
        """Whether more runs of a file can show nothing new."""
        tests = self.tests[file]
        return bool(tests) and all(is_settled(count_runs(test, runs)) for test in tests)


def count_runs(test: TestId, runs: Iterable[Results]) -> RunCounts:
    """Return how often a test failed and passed."""
    return RunCounts.of(results.presence(test) for results in runs)


def find_scope(gate: Gate, tree: str, diffs: Mapping[int, Diff], files: GateFiles, measured: Measured) -> SoakScope:
    """Return what to run often for a gate on a head with this ``tree``, whose tickets have these ``diffs``."""
    selected, locator = frozenset(files.select(gate, tree)), files.locator(gate, tree)
    touched = {number: tuple(sorted(selected & diff.touched)) for number, diff in diffs.items()}
    tests: dict[str, list[TestId]] = {path: [] for paths in touched.values() for path in paths}
    for test in (*measured.head.passed, *map(TestId, measured.head.counts)):
        if (path := locator.locate(test.file)) in tests:
            tests[path].append(test)
    return SoakScope(
        files={number: paths for number, paths in touched.items() if paths},
        tests={path: tuple(found) for path, found in tests.items()},
        known=frozenset(measured.comparison.known),
        locator=locator,
    )
