"""Whether issues are closed, for forges that number them together with pull requests."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sessions.terminal.errors import RefusedError, TrackerError
from sessions.tickets.trackers.forge.rest import expected_shape


def open_issues(forge: str, numbers: Collection[int], is_open: Callable[[int], bool]) -> frozenset[int]:
    """Return which issues or pull requests are open, by one request each.

    An issue that cannot be seen is not closed for that: raises :class:`TrackerError`.
    """
    found = set[int]()
    for number in numbers:
        try:
            with expected_shape(forge):
                found |= {number} if is_open(number) else set()
        except RefusedError as error:
            raise TrackerError(
                f"A hint ends when #{number} is closed, and whether it is cannot be seen: {error}"
            ) from None
    return frozenset(found)
