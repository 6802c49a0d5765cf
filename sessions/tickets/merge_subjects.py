"""Find the ticket that a commit merges, by its subject. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class MergeSubjects:
    """Regular expressions for the subjects of merge commits, each with one group, the ticket's number.

    Each is matched at the beginning of the subject. A match is only a hint, because people also type subjects by hand.
    """

    patterns: tuple[str, ...]

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, self.patterns))

    def number(self, subject: str) -> int:
        """Return the ticket that a subject names as merged (the first, if it has several); 0 if there is none."""
        found = (pattern.match(subject) for pattern in self._compiled)
        first = min(filter(None, found), key=lambda match: match.start(1), default=None)
        return int(first[1]) if first else 0

    def numbers(self, subjects: Iterable[str]) -> frozenset[int]:
        """Return the tickets that any of the subjects names as merged."""
        return frozenset(filter(None, map(self.number, subjects)))
