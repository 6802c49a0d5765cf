"""Which tickets' own diffs bring tests, take tests away, or skip them. Of all others, nobody meant them to vanish."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from sessions.gates.comparison import FEWER_TESTS, Comparison
from sessions.gates.locating import Locator
from sessions.gates.results import Failure, TestId
from sessions.source.diffs import Diff

Each = TypeVar("Each")
# What a file that begins to skip tests says more often than before, in the runners that we know.
_SKIP = r"(?i:\w*(?:skip|todo|disable|ignore|pending)\w*|xit|xtest|xdescribe|only|optional|requires?|needs?)"


@dataclass(frozen=True, kw_only=True)
class TestChanges:
    """What a ticket's diff does to a gate's tests: how many it ``brings``, which it ``takes`` away or ``skips``."""

    __test__ = False  # not for pytest to collect

    brings: int = 0
    takes: tuple[TestId, ...] = ()
    skips: tuple[TestId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangedTests:
    """Reads the diffs of the tickets of a merge line, in its order. ``before`` and ``after`` find files in the trees
    of the release and of the head, which reports the tests ``brought`` beside the release's.
    """

    diffs: Mapping[int, Diff]
    before: Locator
    after: Locator
    brought: tuple[TestId, ...] = ()
    _by_path: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def explains(self, failure: Failure) -> bool:
        """Whether a test that is gone or newly skipped is so because a ticket's diff says it."""
        return bool(self._who(failure))

    def by_ticket(self, comparison: Comparison) -> dict[int, TestChanges]:
        """What each ticket does to the tests, if anything. A test counts for the first ticket whose diff says so."""
        takes = _shares(comparison.gone, lambda failure: failure.test, self._who)
        skips = _shares(comparison.skipped, lambda failure: failure.test, self._who)
        brings = Counter(number for test in comparison.brought for number in self._who_brings(test)[:1])
        for file, more in comparison.more.items():
            brings.update(dict.fromkeys(self._who_brings(TestId(file))[:1], more))
        return {
            number: TestChanges(brings=brings[number], takes=takes.get(number, ()), skips=skips.get(number, ()))
            for number in self.diffs
            if number in takes or number in skips or brings[number]
        }

    def _who(self, failure: Failure) -> tuple[int, ...]:
        test, path = failure.test, self.before.locate(failure.test.file)
        if path is None:
            return self._who_skips(test) if failure.kind == "skipped" else self._who_removes(test, self.diffs)
        touching = self._touching(path)
        skipping = tuple(number for number in touching if self.diffs[number].adds(path, _SKIP))
        if failure.kind == "skipped":
            return skipping
        if test.is_whole_file or test.name == FEWER_TESTS or self._is_varied(test):
            return touching
        # Perl's `skip` takes the names of tests away.
        return self._who_removes(test, touching) or self._who_removes_parameters(test, path, touching) or skipping

    def _is_varied(self, test: TestId) -> bool:
        """Whether the test goes on with other parameters: ``f`` as ``f[1]``, or ``f[1]`` as ``f[2]``."""
        return any(_base(each) == _base(test) for each in self._brought_in.get(test.file, ()))

    @cached_property
    def _brought_in(self) -> Mapping[str, Sequence[TestId]]:
        found: dict[str, list[TestId]] = {}
        for test in self.brought:
            found.setdefault(test.file, []).append(test)
        return found

    def _who_removes(self, test: TestId, numbers: Iterable[int]) -> tuple[int, ...]:
        """Those whose diffs take the test's name out of any file that they touch."""
        words = re.escape(_own_name(test))
        return tuple(n for n in numbers if any(self.diffs[n].removes(path, words) for path in self.diffs[n].touched))

    def _who_skips(self, test: TestId) -> tuple[int, ...]:
        """Those whose diffs begin to skip something in a file that has the test's name."""
        words = re.escape(_own_name(test))
        return tuple(
            number
            for number, diff in self.diffs.items()
            if any(diff.adds(path, _SKIP) and diff.had(path, words) for path in diff.touched)
        )

    def _who_removes_parameters(self, test: TestId, path: str, numbers: Iterable[int]) -> tuple[int, ...]:
        """Those whose diffs take a word of the test's parameters out of its file; anyone, where it holds none."""
        words = [re.escape(word) for word in re.findall(r"\w+", _parameters(test))]
        if not words:
            return ()
        spelled = [word for word in words if any(self.diffs[number].had(path, word) for number in numbers)]
        lessening = (n for n in numbers if any(self.diffs[n].lessens(path, word) for word in spelled))
        return tuple(lessening) if spelled else tuple(numbers)

    def _who_brings(self, test: TestId) -> tuple[int, ...]:
        path = self.after.locate(test.file)
        touching = self._touching(path) if path else ()
        named = tuple(
            number for number in touching if path and self.diffs[number].adds(path, re.escape(_own_name(test)))
        )
        return named or touching

    def _touching(self, path: str) -> tuple[int, ...]:
        if path not in self._by_path:
            self._by_path[path] = tuple(number for number, diff in self.diffs.items() if path in diff.touched)
        return self._by_path[path]


def _base(test: TestId) -> str:
    """The test's name without its parameters."""
    return re.sub(r"[\[(].*", "", test.name, flags=re.DOTALL).strip() or test.name


def _own_name(test: TestId) -> str:
    """The test's name as its source spells it: without its classes, groups and parameters."""
    name = _base(test)
    last = re.split("::| \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} | > ", name)[-1].strip()
    # A name that is a sentence has dots of its own.
    return last if " " in last else last.rpartition(".")[2] or last


def _parameters(test: TestId) -> str:
    """What tells a test from others of the same function: its parameters, or the example's source."""
    found = re.search(r"[\[(].*", test.name, flags=re.DOTALL)
    return (found[0] if found else "") + test.example


def _shares(
    tests: Sequence[Each], name: Callable[[Each], TestId], who: Callable[[Each], Sequence[int]]
) -> dict[int, tuple[TestId, ...]]:
    """The tests of each ticket that ``who`` names first."""
    shares: dict[int, list[TestId]] = {}
    for each in tests:
        for number in who(each)[:1]:
            shares.setdefault(number, []).append(name(each))
    return {number: tuple(share) for number, share in shares.items()}
