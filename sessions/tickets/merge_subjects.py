"""Which ticket a commit's subject names as merged. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class MergeSubjects:
    """How the subjects of merge commits name tickets: regular expressions, each with one group, the number.

    Each is matched at the beginning of the subject. What they find is a hint, as people also type subjects by hand.
    """

    patterns: tuple[str, ...]

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, self.patterns))

    def number(self, subject: str) -> int:
        """The ticket that a subject names as merged: of several numbers the first; 0 where it names none."""
        found = (pattern.match(subject) for pattern in self._compiled)
        first = min(filter(None, found), key=lambda match: match.start(1), default=None)
        return int(first[1]) if first else 0

    def numbers(self, subjects: Iterable[str]) -> frozenset[int]:
        """The tickets that any of the subjects names as merged."""
        return frozenset(filter(None, map(self.number, subjects)))
