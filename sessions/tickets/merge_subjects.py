"""Find the ticket that a commit merges, by its message. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class MergeSubjects:
    """Regular expressions for the messages of merge commits, each with one group, the ticket's number.

    ``patterns`` are matched at the beginning of the subject; ``trailers`` must match a whole later line of the message.
    A match is only a hint, because people also type messages by hand.
    """

    patterns: tuple[str, ...]
    trailers: tuple[str, ...] = ()

    def number(self, message: str) -> int:
        """The ticket that a message, or a subject alone, names as merged; 0 where it names none.

        Of several numbers in the subject the first counts; of several trailers the last, which the forge wrote.
        """
        subject, *lines = message.splitlines() or [""]
        found = (pattern.match(subject) for pattern in self._patterns)
        if first := min(filter(None, found), key=lambda match: match.start(1), default=None):
            return int(first[1])
        named = (pattern.fullmatch(line) for line in reversed(lines) for pattern in self._trailers)
        last = next(filter(None, named), None)
        return int(last[1]) if last else 0

    def numbers(self, messages: Iterable[str]) -> frozenset[int]:
        """The tickets that any of the messages names as merged."""
        return frozenset(filter(None, map(self.number, messages)))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, self.patterns))

    @cached_property
    def _trailers(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, self.trailers))
