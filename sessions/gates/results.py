"""What one run of a gate showed: which tests ran, how each of them ended, and whether the run came to its own end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

# "gone" and "skipped" are failures that only a comparison with the release can find.
Kind = Literal["failed", "error", "timeout", "crash", "gone", "skipped"]

# The status of several runs that are told as one.
NO_STATUS = -1


@dataclass(frozen=True, order=True, slots=True)
class TestId:
    """One test: the file it is in, the name of its docstring or function, the source of the example.

    A test that is a whole file (it timed out, or crashed) has neither name nor example; a test that is a
    whole gate (``make doc-pdf`` failed) has no file either, and the gate's name as ``name``. The line number
    is no part of it, so that edits above a test do not turn a known failure into a new one.
    """

    __test__ = False  # not for pytest to collect

    file: str
    name: str = ""
    example: str = ""

    @property
    def is_whole_file(self) -> bool:
        """Whether this stands for all that its file holds."""
        return bool(self.file) and not self.name

    @property
    def is_whole_gate(self) -> bool:
        """Whether this stands for the run as a whole."""
        return not self.file

    def __str__(self) -> str:
        words = [part for part in (self.file, self.name) if part]
        first = self.example.strip().splitlines()
        return "::".join(words) + (f" [{first[0]}]" if first else "")

    @classmethod
    def parse(cls, text: str) -> TestId:
        """The test that ``str`` wrote so, with the first line of its example.

        A text without ``::`` is taken for a file, as it does not say whether it is a file or a gate.
        """
        file, _, name = text.partition("::")
        name, has_example, example = name.partition(" [")
        found = cls(file, name, example[:-1] if has_example else "")
        return found if str(found) == text else cls(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A test that failed: how, at which line of its file (0 = unknown), and the excerpt that shows it.

    ``expected`` is for a file whose tests are only counted and of which too few ran: how many ran on the release.
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
    ABSENT = "absent"  # the run came to its end and did not report it
    HIDDEN = "hidden"  # the run, or the test's file, did not come to its end


@dataclass(frozen=True, kw_only=True)
class Results:
    """The account of one run of a gate. A test that is not in it was not seen to pass.

    ``failures`` are sorted by test and name each test once; ``passed`` and ``skipped`` are sorted, too. ``counts`` is
    for formats that report no passing test by name: of each file that was tested to its end, how many tests ran.
    ``lists_faults`` is for formats that report faults alone, such as LaTeX's log: there, a run that came to its end
    has passed wherever it reports nothing. ``files`` are the files known to have been tested, sorted; ``tests``
    counts tests or examples. ``times`` are seconds per file, where the format tells.

    ``trouble`` is a clause that says why the run did not come to its own end, or does not account for it; empty where
    it does. ``failures`` then hold the gate itself as well. ``broken`` is a clause that says what was wrong on our own
    side (a font that the image lacks): then nothing else in here says anything about a candidate. ``notes`` say
    what was odd about the report and had to be repaired to read it. ``status`` is what the command ended with, and
    ``gate`` the name under which the gate as a whole fails.
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
        """What the report says of each test that it names; a test that failed anywhere has failed."""
        return (
            dict.fromkeys(self.skipped, Presence.SKIPPED)
            | dict.fromkeys(self.passed, Presence.PASSED)
            | dict.fromkeys(self.failing, Presence.FAILED)
        )

    @cached_property
    def tested_files(self) -> frozenset[str]:
        """All files of which something is reported."""
        reported = (test.file for tests in (self.passed, self.skipped, self.failing) for test in tests)
        return frozenset((*self.files, *self.counts, *reported)) - {""}

    @property
    def is_measured(self) -> bool:
        """Whether the run came to its end and reported at least one test."""
        return not (self.trouble or self.broken)

    @property
    def has_passed(self) -> bool:
        """Whether any test was seen to pass."""
        return bool(self.passed or any(self.counts.values()))

    @property
    def can_be_baseline(self) -> bool:
        """Whether anything can be compared with this run: it came to its end, and some test passed."""
        return self.is_measured and self.has_passed

    @property
    def fails(self) -> int:
        """How many tests failed; the gate as a whole is none."""
        return sum(not failure.test.is_whole_gate for failure in self.failures)

    @property
    def passes(self) -> int:
        """How many tests passed. Where a format only counts, all that did not fail have."""
        if not self.has_passed:
            return 0
        return len(self.passed) or max(self.tests - self.fails - len(self.skipped), 0)

    def hides(self, file: str) -> bool:
        """Whether a failure hides the other tests of ``file``: the whole run or the whole file did not come to its end.

        Such a failure has no file or no name. What it hides has neither passed nor failed, and is not gone either.
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
        """Infer the presence of a test from reports that name only the failing examples of a test.

        An example that is not among the failing ones of its test did not fail. Of the test as a whole nothing is known.
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
    """What a gate's command left behind, for a format to read.

    ``command`` is what ran. ``results`` is the content of the file that the command was told to write
    (``{results}``), ``None`` where it wrote none; ``reports`` are the files that the gate's key ``results`` names, by
    their paths in the source. ``log`` is standard output and standard error together, as they came. ``artifacts``
    are the files that the gate's globs brought out, by their paths in the source.
    """

    gate: str
    status: int
    log: str
    command: str = ""
    results: bytes | None = None
    reports: Mapping[str, bytes] = field(default_factory=dict)
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
