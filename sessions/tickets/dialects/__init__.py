"""The markup of trackers' comments: how text is escaped, fenced and emphasised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Dialect(Protocol):
    """A markup language. Text from a ticket or a log must pass ``escape``, ``code`` or ``fence``."""

    @property
    def most_details(self) -> int | None:
        """How many conflicts, and how many broken tests, a comment shows; ``None`` for all of them."""
        ...

    def escape(self, text: object) -> str:
        """Put ``text`` on one line, escaped so that it is shown as it is."""
        ...

    def strong(self, text: str) -> str:
        """Emphasise a text of ours, which is not escaped."""
        ...

    def code(self, text: str) -> str:
        """Format a commit id, in a monospaced font if the markup has one."""
        ...

    def references(self, numbers: Sequence[int]) -> str:
        """Format references to tickets by their numbers; empty if there are none."""
        ...

    def fence(self, text: str) -> str:
        """Format ``text`` as a block of code that it cannot close, cut to a readable length."""
        ...
