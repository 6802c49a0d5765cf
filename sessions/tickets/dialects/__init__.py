"""The markup in which trackers take comments: how text is escaped, fenced and emphasised in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Dialect(Protocol):
    """One markup language. Whatever comes from a ticket or a log passes ``escape``, ``code`` or ``fence``."""

    @property
    def most_details(self) -> int | None:
        """How many conflicts, and how many broken tests, a comment shows; ``None`` for all of them."""
        ...

    def escape(self, text: object) -> str:
        """``text`` on one line, as markup that shows it and does nothing else."""
        ...

    def strong(self, text: str) -> str:
        """A word of our own, emphasised."""
        ...

    def code(self, text: str) -> str:
        """A commit id, monospaced where the markup has that."""
        ...

    def references(self, numbers: Sequence[int]) -> str:
        """The tickets of those numbers; empty where there are none."""
        ...

    def fence(self, text: str) -> str:
        """``text`` as a block of code that it cannot close, cut to a readable length."""
        ...
