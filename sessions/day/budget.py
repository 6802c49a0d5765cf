"""The time that a session may take: ``--budget``."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sessions.engines.probe import Outcome
from sessions.terminal.errors import BudgetEndedError


@dataclass(frozen=True)
class Budget:
    """Ends at ``deadline``, a moment of the monotonic clock in seconds; without one it never ends."""

    deadline: float | None = None

    def seconds_left(self) -> float | None:
        """Return the seconds until the deadline."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def require(self, usual_seconds: Iterable[float | None], what: str) -> float | None:
        """Return the seconds left. Raises :class:`BudgetEndedError` if the longest probe usually takes more.

        ``what`` names the probes in the message. A probe with an unknown duration starts as long as time is left.
        """
        left = self.seconds_left()
        if left is not None and left < max((seconds or 0.0 for seconds in usual_seconds), default=0.0):
            raise BudgetEndedError(f"The budget has no room for {what}")
        return left

    @staticmethod
    def check_outcome(outcome: Outcome, seconds_left: float | None, what: str) -> None:
        """Raise :class:`BudgetEndedError` if the budget stopped a probe that had ``seconds_left`` when it began."""
        if seconds_left is not None and outcome.steps[-1].ending == "timeout" and outcome.seconds > seconds_left - 1:
            raise BudgetEndedError(f"The budget ended during {what}")
