"""Find the ticket that a commit merges, by its message. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.terminal.ticket_numbers import PREFIX, add_prefix, parse_ticket_number

_PREFIXED = re.compile(rf"({PREFIX.pattern}[1-9]\d{{0,8}}): ")


@dataclass(frozen=True)
class MergeSubjects:
    """Regular expressions for the messages of merge commits, each with one group, the ticket's number.

    ``patterns`` are matched at the beginning of the subject; ``trailers`` must match a whole later line of the message.
    A match is only a hint, because people also type messages by hand. With several trackers, ``prefixes`` are those of
    the numbers that a pattern finds; ``gl!7: …`` names a ticket of any.
    """

    patterns: tuple[str, ...]
    trailers: tuple[str, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def number(self, message: str) -> int:
        """The ticket that a message, or a subject alone, names as merged; 0 where it names none.

        Of several numbers in the subject the first counts; of several trailers the last, which the forge wrote.
        """
        subject, *lines = message.splitlines() or [""]
        found = (pattern.match(subject) for pattern in self._patterns)
        if first := min(filter(None, found), key=lambda match: match.start(1), default=None):
            return self._number(first)
        named = (pattern.fullmatch(line) for line in reversed(lines) for pattern in self._trailers)
        last = next(filter(None, named), None)
        return self._number(last) if last else 0

    def _number(self, found: re.Match[str]) -> int:
        if found.re is _PREFIXED:
            return parse_ticket_number(found[1])
        return add_prefix(self.prefixes.get(found.re.pattern, ""), int(found[1]))

    def numbers(self, messages: Iterable[str]) -> frozenset[int]:
        """The tickets that any of the messages names as merged."""
        return frozenset(filter(None, map(self.number, messages)))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return (_PREFIXED, *map(re.compile, self.patterns))

    @cached_property
    def _trailers(self) -> tuple[re.Pattern[str], ...]:
        return tuple(map(re.compile, self.trailers))
