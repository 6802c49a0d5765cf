"""All that is written to a tracker in one call: what was refused, what failed, and what to say of it at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from sessions.errors import TrackerAccessError, TrackerBusyError, TrackerError
from sessions.narrator import Narrator
from sessions.publishing.refused import Memory, Remembered
from sessions.tickets.model import name_tickets
from sessions.tickets.refusals import Change, Part, Refusal, Told

Write = Callable[[Collection[Change]], Told]


@dataclass(kw_only=True)
class Writes:
    """The writes of one call on day ``today``; ``known`` are refusals of earlier days that still count."""

    today: dt.date
    known: tuple[Remembered, ...] = ()
    _changed: set[Part] = field(default_factory=set)
    _refused: list[Refusal] = field(default_factory=list)
    _skipped: set[Change] = field(default_factory=set)
    _failed: dict[int, str] = field(default_factory=dict)
    _stopped: TrackerError | None = None

    def attempt(self, number: int, write: Write) -> Told | None:
        """What came of a ticket's write; ``None`` where it failed, or the tracker takes nothing any more."""
        if self._stopped:
            return None
        try:
            told = write({each.refusal.change for each in self.known})
        except (TrackerBusyError, TrackerAccessError) as error:
            self.stop(error)
        except TrackerError as error:
            self._failed[number] = str(error)
        else:
            self._changed |= set(told.changed)
            self._refused += told.refused
            self._skipped |= set(told.skipped)
            return told
        return None

    def stop(self, error: TrackerError) -> None:
        """Write nothing more: the tracker does not answer, or lets nobody in."""
        self._stopped = error

    @property
    def is_stopped(self) -> bool:
        """Whether the tracker takes nothing any more."""
        return self._stopped is not None

    def record(self) -> list[dict[str, Any]]:
        """The refusals that count today, for the run record."""
        return [
            {
                "number": each.refusal.change.number,
                "part": str(each.refusal.change.part),
                "why": each.refusal.why,
                "since": each.since.isoformat(),
            }
            for each in self._all()
            if each.tried == self.today or each.refusal.change in self._skipped
        ]

    def finish(self, memory: Memory, narrator: Narrator) -> None:
        """Remember what was refused, and tell it.

        A refusal that belongs to a ticket is no failure of the call, as nobody can mend it here.

        Raises :class:`TrackerError` with one sentence where the tracker failed, or refuses a kind of change on every
        ticket.
        """
        memory.keep(self._all())
        self._say_refusals(narrator)
        if self._stopped:
            raise self._stopped
        if self._failed:
            number, why = next(iter(self._failed.items()))
            raise TrackerError(
                f"{_tickets(len(self._failed))} could not be told or closed, first #{number}: {why} "
                "The same command tells the rest."
            )
        if setup := [each for each in self._refused if self._is_setup(each)]:
            raise TrackerError(
                f"No {setup[0].change.part} could be written ({_tickets(len(setup))}): {setup[0].why} "
                "Once that is mended, the same command writes what is missing."
            )

    def _is_setup(self, refusal: Refusal) -> bool:
        """Whether our own set-up is to be mended: what was accepted from us on one ticket is not forbidden to us."""
        return refusal.may_be_setup and refusal.change.part not in self._changed

    def _all(self) -> list[Remembered]:
        """What is to be remembered: refusals of this call that belong to their tickets, and those known before."""
        since = {each.refusal.change: each.since for each in self.known}
        fresh = {each.change: each for each in self._refused if not self._is_setup(each)}
        old = [each for each in self.known if each.refusal.change not in fresh]
        return [
            *old,
            *(
                Remembered(refusal=each, since=since.get(change, self.today), tried=self.today)
                for change, each in fresh.items()
            ),
        ]

    def _say_refusals(self, narrator: Narrator) -> None:
        everything = self._all()
        fresh = [each for each in everything if each.tried == self.today and each.refusal.change not in self._skipped]
        if fresh:
            first = fresh[0].refusal
            more = f" (and {len(fresh) - 1} more, see `published.refused` in the record)" if len(fresh) > 1 else ""
            narrator.bad(
                f"Refused, and not tried again before {fresh[0].again} unless there is something else to say: "
                f"{first.why}{more}"
            )
        old = [each for each in everything if each.refusal.change in self._skipped]
        if old:
            tickets = name_tickets({each.refusal.change.number for each in old})
            narrator.detail(
                f"not tried, as refused before: {tickets}; `nox -s report -- --publish --retry-refused` tries now"
            )


def _tickets(count: int) -> str:
    return f"{count} ticket{'s' * (count != 1)}"
