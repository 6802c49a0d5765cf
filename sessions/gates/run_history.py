"""How often a test failed and passed: the counts that distinguish a flaky test from a broken one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sessions.gates.results import Presence


@dataclass(frozen=True, kw_only=True)
class RunCounts:
    """How many runs of a test failed and how many passed, all on the same tree."""

    fails: int = 0
    passes: int = 0

    @classmethod
    def of(cls, seen: Iterable[Presence]) -> RunCounts:
        """Count what runs said about a test; those that say nothing of its end do not count."""
        endings = list(seen)
        return cls(fails=endings.count(Presence.FAILED), passes=endings.count(Presence.PASSED))

    @property
    def total(self) -> int:
        """How many runs failed or passed."""
        return self.fails + self.passes

    @property
    def minority(self) -> int:
        """How many runs differ from the majority; 0 if all agree."""
        return min(self.fails, self.passes)

    def __add__(self, other: RunCounts) -> RunCounts:
        return RunCounts(fails=self.fails + other.fails, passes=self.passes + other.passes)


@dataclass(frozen=True, kw_only=True)
class RunHistory:
    """What earlier runs say about how steady a test is.

    ``runs`` counts the runs on trees on which the test passed at least once, ``odd`` those among them that differ from
    the majority on their tree.
    """

    runs: int = 0
    odd: int = 0
