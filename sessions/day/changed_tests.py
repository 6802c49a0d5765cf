"""Find which tickets' diffs add, remove or skip tests. Any other test that vanishes was not meant to vanish."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from sessions.gates.comparison import FEWER_TESTS, Comparison
from sessions.gates.locating import Locator
from sessions.gates.results import Failure, TestId
from sessions.source.diffs import Diff

Each = TypeVar("Each")
# Text that occurs more often in a file that begins to skip tests, in the test runners that we know. Comments for people
# and linters (``# TODO``, ``# type: ignore``) and words of plain prose (``only``, ``needs``) skip nothing.
_SKIP = (
    r"(?i:(?<!fmt: )(?<!isort: )(?<!isort:)\w*(?:skip|pending|xfail|expected_?fail|fixme)\w*"
    r"|(?<![\w-]: )(?<!\w:)(?<!-)\w*(?:disable|ignore)\w*"
    r"|(?<!# )(?<!#)(?<!// )(?<!//)(?<!/\* )\w*todo\w*|(?<=# )todo:? not|(?<=# )not tested|(?<=# )known bug"
    r"|xit|xtest|xdescribe|(?<=\.)(?:only|fails|failing)"
    r"|(?:(?<=\.)|(?<=@)|(?<=# )|(?<=, ))(?:optional|requires?|needs?))"
)


@dataclass(frozen=True, kw_only=True)
class TestChanges:
    """What a ticket's diff does to a gate's tests: how many it ``brings``, which it ``takes`` away or ``skips``.

    ``as_release`` are those it brings that fail as tests of the release do: no ticket leaves for them.
    """

    __test__ = False  # not for pytest to collect

    brings: int = 0
    takes: tuple[TestId, ...] = ()
    skips: tuple[TestId, ...] = ()
    as_release: tuple[TestId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangedTests:
    """Reads the diffs of the tickets of a merge line, in its order. ``before`` and ``after`` find files in the trees
    of the release and of the head. ``brought`` are the tests that only the head reports.
    """

    diffs: Mapping[int, Diff]
    before: Locator
    after: Locator
    brought: tuple[TestId, ...] = ()
    _by_path: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def explains(self, failure: Failure) -> bool:
        """Whether a ticket's diff is the reason that a test is gone or newly skipped."""
        return bool(self._who(failure))

    def by_ticket(self, comparison: Comparison) -> dict[int, TestChanges]:
        """Return what each ticket's diff does to tests. A test counts for the first ticket whose diff mentions it."""
        takes = _shares(comparison.gone, lambda failure: failure.test, self._who)
        skips = _shares(comparison.skipped, lambda failure: failure.test, self._who)
        brings = Counter(number for test in comparison.brought for number in self.who_brings(test)[:1])
        for file, more in comparison.more.items():
            brings.update(dict.fromkeys(self.who_brings(TestId(file))[:1], more))
        return {
            number: TestChanges(brings=brings[number], takes=takes.get(number, ()), skips=skips.get(number, ()))
            for number in self.diffs
            if number in takes or number in skips or brings[number]
        }

    def who_brings(self, test: TestId) -> tuple[int, ...]:
        """Return the tickets whose diffs add a test: those that name it, or else those that touch its file."""
        path = self.after.locate(test.file)
        touching = self._touching(path) if path else ()
        named = tuple(
            number for number in touching if path and self.diffs[number].adds(path, re.escape(_own_name(test)))
        )
        return named or touching

    def moved(self, comparison: Comparison, failed_before: Collection[TestId]) -> frozenset[TestId]:
        """Return the new failures that failed on the release, in another file from which a ticket moved them."""
        homes: dict[tuple[str, str], list[set[int]]] = {}
        for failure in comparison.gone:
            if failure.test in failed_before:
                homes.setdefault(_spelled(failure.test), []).append(set(self._who(failure)))
        found: set[TestId] = set()
        new = sorted(failure.test for failure in comparison.new)
        for test in (each for each in new if each.name and each in self.brought):
            bringing, takers = set(self.who_brings(test)), homes.get(_spelled(test), [])
            if taker := next((each for each in takers if each & bringing), None):
                takers.remove(taker)
                found.add(test)
        return frozenset(found)

    def _who(self, failure: Failure) -> tuple[int, ...]:
        test, path = failure.test, self.before.locate(failure.test.file)
        if path is None:
            return self._who_skips(test) if failure.kind == "skipped" else self._who_removes(test, self.diffs)
        touching = self._touching(path)
        skipping = tuple(number for number in touching if self.diffs[number].adds(path, _SKIP))
        if failure.kind == "skipped":
            return skipping
        if test.is_whole_file or test.name == FEWER_TESTS:
            return touching
        if self._is_varied(test) and (varying := self._who_varies(test, path, touching)):
            return varying
        # Perl's `skip` also removes the names of tests.
        return self._who_removes(test, touching) or self._who_removes_parameters(test, path, touching) or skipping

    def _is_varied(self, test: TestId) -> bool:
        """Whether the test still exists with other parameters: ``f`` as ``f[1]``, or ``f[1]`` as ``f[2]``."""
        return any(_base(each) == _base(test) for each in self._brought_in.get(test.file, ()))

    def _who_varies(self, test: TestId, path: str, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return the tickets that may have given a test other parameters: adding some leaves those that were there."""
        if not _parameters(test) or _is_renumbered(test, self._brought_in.get(test.file, ())):
            return tuple(numbers)
        return tuple(number for number in numbers if self.diffs[number].removes_lines(path))

    @cached_property
    def _brought_in(self) -> Mapping[str, Sequence[TestId]]:
        found: dict[str, list[TestId]] = {}
        for test in self.brought:
            found.setdefault(test.file, []).append(test)
        return found

    def _who_removes(self, test: TestId, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return the tickets whose diffs remove the test's name from any file."""
        pattern = re.escape(_own_name(test))
        return tuple(n for n in numbers if any(self.diffs[n].removes(path, pattern) for path in self.diffs[n].touched))

    def _who_skips(self, test: TestId) -> tuple[int, ...]:
        """Return the tickets whose diffs begin to skip something in a file that has the test's name."""
        pattern = re.escape(_own_name(test))
        return tuple(
            number
            for number, diff in self.diffs.items()
            if any(diff.adds(path, _SKIP) and diff.had(path, pattern) for path in diff.touched)
        )

    def _who_removes_parameters(self, test: TestId, path: str, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return the tickets whose diffs remove a word of the test's parameters from its file; all if it has none."""
        patterns = [re.escape(word) for word in re.findall(r"\w+", _parameters(test))]
        if not patterns:
            return ()
        spelled = [word for word in patterns if any(self.diffs[number].had(path, word) for number in numbers)]
        lessening = (n for n in numbers if any(self.diffs[n].lessens(path, word) for word in spelled))
        return tuple(lessening) if spelled else tuple(numbers)

    def _touching(self, path: str) -> tuple[int, ...]:
        if path not in self._by_path:
            self._by_path[path] = tuple(number for number, diff in self.diffs.items() if path in diff.touched)
        return self._by_path[path]


def _base(test: TestId) -> str:
    """Return the test's name without its parameters."""
    return re.sub(r"[\[(].*", "", test.name, flags=re.DOTALL).strip() or test.name


def _own_name(test: TestId) -> str:
    """Return the test's name as its source spells it: without its classes, groups and parameters."""
    name = _base(test)
    last = re.split("::| \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} | > ", name)[-1].strip()
    # A name that is a sentence has dots of its own.
    return last if " " in last else last.rpartition(".")[2] or last


def _spelled(test: TestId) -> tuple[str, str]:
    """Return what a test keeps when it moves to another file, or when a parameter is added before its own.

    https://docs.pytest.org/en/stable/how-to/parametrize.html: what is no number, text or boolean is named after its
    argument and its place in the list, so that each place after an added one is another.
    """
    return _own_name(test), re.sub(r"(?<=[A-Za-z_])\d+(?=[-\]])", "#", _parameters(test))


def _is_renumbered(test: TestId, brought: Iterable[TestId]) -> bool:
    """Whether a test that is ``brought`` differs by pytest's numbers alone: ``f[expected8]``, ``f[expected9]``."""
    return any(_spelled(each) == _spelled(test) for each in brought)


def _parameters(test: TestId) -> str:
    """Return what distinguishes a test from others of the same function: its parameters, or the example's source."""
    found = re.search(r"[\[(].*", test.name, flags=re.DOTALL)
    return (found[0] if found else "") + test.example


def _shares(
    tests: Sequence[Each], name: Callable[[Each], TestId], who: Callable[[Each], Sequence[int]]
) -> dict[int, tuple[TestId, ...]]:
    """Return the tests by the first ticket that ``who`` returns for each."""
    shares: dict[int, list[TestId]] = {}
    for each in tests:
        for number in who(each)[:1]:
            shares.setdefault(number, []).append(name(each))
    return {number: tuple(share) for number, share in shares.items()}
