"""Make the writes to a tracker in one session, and report at the end which were refused or failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from sessions.ledger.record import RefusedChange
from sessions.publishing.refused import RETRY_AFTER, Memory, Remembered
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerAccessError, TrackerBusyError, TrackerError
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import name_tickets
from sessions.tickets.refusals import Change, Refusal, TicketPart, WriteResult

Write = Callable[[Collection[Change]], WriteResult]


@dataclass(kw_only=True)
class Writes:
    """The writes of one call on day ``today``. ``known`` was refused before; ``retry`` tries it all the same."""

    today: dt.date
    known: tuple[Remembered, ...] = ()
    retry: bool = False
    _changed: set[tuple[int, TicketPart]] = field(default_factory=set)
    _refused: list[Refusal] = field(default_factory=list)
    _skipped: set[Change] = field(default_factory=set)
    _failed: dict[int, str] = field(default_factory=dict)
    _stopped: TrackerError | None = None

    def attempt(self, number: int, write: Write) -> WriteResult | None:
        """Write to one ticket; the result, or ``None`` if it failed or writing has stopped."""
        if self._stopped:
            return None
        known = () if self.retry else self.known
        try:
            result = write({each.refusal.change for each in known if not each.is_due(self.today)})
        except (TrackerBusyError, TrackerAccessError) as error:
            self.stop(error)
        except TrackerError as error:
            self._failed[number] = str(error)
        else:
            self._changed |= {(number, part) for part in result.changed}
            self._refused += result.refused
            self._skipped |= set(result.skipped)
            return result
        return None

    def stop(self, error: TrackerError) -> None:
        """Write nothing more in this call: the tracker does not answer, or refuses our credentials."""
        self._stopped = error

    @property
    def is_stopped(self) -> bool:
        """Whether writing has stopped."""
        return self._stopped is not None

    def record(self) -> tuple[RefusedChange, ...]:
        """The refusals for the run record: of this call, and of earlier ones whose changes were therefore not tried."""
        return tuple(
            RefusedChange(
                number=each.refusal.change.number,
                part=str(each.refusal.change.part),
                why=each.refusal.why,
                since=each.since.isoformat(),
            )
            for each in (*self._fresh(), *self._not_tried())
        )

    def remember(self, memory: Memory) -> None:
        """Store the refusals for the next call, without those whose changes have been made since."""
        fresh = self._fresh()
        done = self._changed | {(each.refusal.change.number, each.refusal.change.part) for each in fresh}
        old = [each for each in self.known if (each.refusal.change.number, each.refusal.change.part) not in done]
        memory.keep([*(each for each in old if self.today < each.again + RETRY_AFTER), *fresh])

    def finish(self, console: Console) -> None:
        """Show what was refused.

        A refusal that concerns a single ticket does not fail the session, because it cannot be fixed here.

        Raises :class:`TrackerError` if the tracker failed, or refuses a kind of change on every ticket.
        """
        self._say_refusals(console)
        if self._stopped:
            raise self._stopped
        if self._failed:
            number, why = next(iter(self._failed.items()))
            raise TrackerError(
                f"{counted(len(self._failed), 'ticket')} could not be updated, first {name_ticket(number)}: {why} "
                "The same command updates the rest."
            )
        if setup := [each for each in self._refused if self._is_setup(each)]:
            raise TrackerError(
                f"No {setup[0].change.part} could be written ({counted(len(setup), 'ticket')}): {setup[0].why} "
                "Once that is fixed, the same command writes what is missing."
            )

    def _is_setup(self, refusal: Refusal) -> bool:
        """Whether our token or configuration is wrong: the same kind of change succeeded on no other ticket."""
        return refusal.may_be_setup and refusal.change.part not in {part for _, part in self._changed}

    def _fresh(self) -> list[Remembered]:
        """Return the refusals of this session that concern a ticket rather than our token or configuration."""
        since = {each.refusal.change: each.since for each in self.known}
        ours = {each.change: each for each in self._refused if not self._is_setup(each)}
        return [
            Remembered(refusal=each, since=since.get(change, self.today), tried=self.today)
            for change, each in ours.items()
        ]

    def _not_tried(self) -> list[Remembered]:
        return [each for each in self.known if each.refusal.change in self._skipped]

    def _say_refusals(self, console: Console) -> None:
        if fresh := self._fresh():
            more = f" (and {len(fresh) - 1} more, see `published.refused` in the record)" if len(fresh) > 1 else ""
            console.bad(
                f"Refused, and not tried again before {fresh[0].again} unless there is something else to say: "
                f"{fresh[0].refusal.why}{more}"
            )
        if old := self._not_tried():
            tickets = name_tickets({each.refusal.change.number for each in old})
            console.detail(
                f"not tried, as refused before: {tickets}; `nox -s report -- --publish --retry-refused` tries now"
            )
