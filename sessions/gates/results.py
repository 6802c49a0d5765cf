"""The results of one run of a gate: which tests ran, how each of them ended, and whether the run ended normally."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

# "gone" and "skipped" are failures that only a comparison with the release can find.
Kind = Literal["failed", "error", "timeout", "crash", "gone", "skipped"]

# The status of several runs that are joined into one.
NO_STATUS = -1


@dataclass(frozen=True, order=True, slots=True)
class TestId:
    """A test: its file, the name of its function or docstring, and, for a doctest, the source of the example.

    A whole file as a test (it timed out or crashed) has neither name nor example. A whole gate as a test (``make
    doc-pdf`` failed) has no file, and the gate's name as ``name``. There is no line number, so that edits further up
    in a file do not turn a known failure into a new one.
    """

    __test__ = False  # not for pytest to collect

    file: str
    name: str = ""
    example: str = ""

    @property
    def is_whole_file(self) -> bool:
        """Whether this stands for all tests of its file."""
        return bool(self.file) and not self.name

    @property
    def is_whole_gate(self) -> bool:
        """Whether this stands for the run as a whole."""
        return not self.file

    def __str__(self) -> str:
        parts = [part for part in (self.file, self.name) if part]
        first = self.example.strip().splitlines()
        return "::".join(parts) + (f" [{first[0]}]" if first else "")

    @classmethod
    def parse(cls, text: str) -> TestId:
        """Return the test that ``str`` wrote so, with the first line of its example.

        A text without ``::`` is taken for a file, as it does not say whether it is a file or a gate.
        """
        file, _, name = text.partition("::")
        name, has_example, example = name.partition(" [")
        found = cls(file, name, example[:-1] if has_example else "")
        return found if str(found) == text else cls(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A failed test: how it failed, at which line of its file (0 if unknown), and the excerpt that shows it.

    ``expected`` is set if a file's tests are only counted and too few ran: it is how many ran on the release.
    """

    test: TestId
    kind: Kind = "failed"
    line: int = 0
    message: str = ""
    expected: int = 0


class Presence(StrEnum):
    """What a run says about one test."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABSENT = "absent"  # the run ended normally and did not report the test
    HIDDEN = "hidden"  # the run, or the test's file, did not end normally


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results of one run of a gate. A test that is not listed has not passed.

    ``failures`` are sorted by test, each test once; ``passed`` and ``skipped`` are sorted, too. ``counts`` is for
    formats that do not name passing tests: how many tests ran in each file that was tested to its end.
    ``lists_faults`` is for formats that only report faults, such as LaTeX's log: if such a run ended normally,
    everything without a fault passed. ``files`` are the files known to be tested, sorted; ``tests`` counts tests or
    examples. ``times`` are seconds per file, if the format has them.

    ``trouble`` is a clause on why the run did not end normally, empty if it did; with trouble, ``failures`` also
    contain the gate itself. ``broken`` is a clause on a fault of the machine (the image lacks a font), with which the
    other fields say nothing about a candidate. ``notes`` list what had to be repaired to read the report. ``status``
    is the command's exit status, and ``gate`` the name with which the gate as a whole fails.
    """

    gate: str = ""
    failures: tuple[Failure, ...] = ()
    passed: tuple[TestId, ...] = ()
    skipped: tuple[TestId, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    lists_faults: bool = False
    files: tuple[str, ...] = ()
    tests: int = 0
    trouble: str = ""
    broken: str = ""
    status: int = 0
    notes: tuple[str, ...] = ()
    times: Mapping[str, float] = field(default_factory=dict, compare=False)

    @cached_property
    def failing(self) -> Mapping[TestId, Failure]:
        """The failures by their test."""
        return {failure.test: failure for failure in self.failures}

    @cached_property
    def _reported(self) -> Mapping[TestId, Presence]:
        """The result of each test that the report names. A test with any failure has failed."""
        return (
            dict.fromkeys(self.skipped, Presence.SKIPPED)
            | dict.fromkeys(self.passed, Presence.PASSED)
            | dict.fromkeys(self.failing, Presence.FAILED)
        )

    @cached_property
    def tested_files(self) -> frozenset[str]:
        """All files with any reported result."""
        reported = (test.file for tests in (self.passed, self.skipped, self.failing) for test in tests)
        return frozenset((*self.files, *self.counts, *reported)) - {""}

    @property
    def is_measured(self) -> bool:
        """Whether the run ended normally and reported at least one test."""
        return not (self.trouble or self.broken)

    @property
    def has_passed(self) -> bool:
        """Whether any test passed."""
        return bool(self.passed or any(self.counts.values()))

    @property
    def can_be_baseline(self) -> bool:
        """Whether other runs can be compared with this one: it ended normally, and a test passed."""
        return self.is_measured and self.has_passed

    @property
    def fails(self) -> int:
        """How many tests failed, without the gate as a whole."""
        return sum(not failure.test.is_whole_gate for failure in self.failures)

    @property
    def passes(self) -> int:
        """How many tests passed. If the format only counts tests, these are all that did not fail."""
        if not self.has_passed:
            return 0
        return len(self.passed) or max(self.tests - self.fails - len(self.skipped), 0)

    def hides(self, file: str) -> bool:
        """Whether a failure hides the other tests of ``file``, because the run or the file did not end normally.

        Such a failure has no file or no name. The result of a hidden test is unknown: neither passed, failed nor gone.
        """
        return not self.is_measured or (bool(file) and (file, "") in self._failing_names)

    def presence(self, test: TestId) -> Presence:
        """Return what this run says about ``test``."""
        if test in self._reported:
            return self._reported[test]
        if test.file in self.counts:
            return Presence.PASSED
        if self.hides(test.file):
            return Presence.HIDDEN
        if inferred := self._presence_of_part(test):
            return inferred
        if test.is_whole_gate or (self.lists_faults and not test.is_whole_file):
            return Presence.PASSED
        return Presence.PASSED if test.is_whole_file and test.file in self.tested_files else Presence.ABSENT

    def _presence_of_part(self, test: TestId) -> Presence | None:
        """Infer the result of an example from a report that names only failing examples.

        An example that is not among the failing ones of its test did not fail. The test as a whole stays unknown.
        """
        if not test.name or self.lists_faults:
            return None
        if (test.file, test.name) in self._failing_names:
            return Presence.PASSED if test.example else Presence.HIDDEN
        return self._reported.get(TestId(test.file, test.name)) if test.example else None

    @cached_property
    def _failing_names(self) -> frozenset[tuple[str, str]]:
        return frozenset((test.file, test.name) for test in self.failing)


@dataclass(frozen=True, kw_only=True)
class GateOutput:
    """The output of a gate's command, for a format to read.

    ``command`` is what ran. ``results`` is the content of the file ``{results}``, ``None`` if the command did not
    write it. ``reports`` are the files that match the gate's key ``results``, by their paths in the source. ``log`` is
    standard output and standard error together, in the order in which they came. ``artifacts`` are the files that
    match the gate's key ``artifacts``, by their paths in the source.
    """

    gate: str
    status: int
    log: str
    command: str = ""
    results: bytes | None = None
    reports: Mapping[str, bytes] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
