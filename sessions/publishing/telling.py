"""Tell the tickets of a record their verdicts, and close those that are merged: each in its own tracker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sessions.ledger.record import Published, Record, RefusedChange
from sessions.publishing.closing import close_merged
from sessions.publishing.refused import Memory
from sessions.publishing.tickets import report_address, tell_tickets
from sessions.publishing.writes import Writes
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.start import release_at
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerError
from sessions.terminal.ticket_numbers import prefix_of
from sessions.tickets.trackers import TRACKERS, connect_tracker, merge_subjects
from sessions.tickets.trackers.kind import Surroundings


@dataclass(kw_only=True)
class Telling:
    """What one call of ``report`` writes to the trackers of a configuration, and what of it is done.

    ``tickets`` are up to date, ``closed`` were closed, ``None`` where that was not to be written.
    """

    config: Config
    options: Options
    record: Record
    console: Console
    tickets: tuple[int, ...] | None = None
    closed: tuple[int, ...] | None = None
    refused: tuple[RefusedChange, ...] = ()

    def tell_all(self) -> None:
        """Tell the tickets of all trackers. One that fails does not stop the others.

        Raises the first :class:`TrackerError` after all have been tried.
        """
        failed = list[TrackerError]()
        for table in self.config.tickets:
            try:
                self._tell(table)
            except TrackerError as error:
                failed.append(error)
        for other in failed[1:]:
            self.console.bad(str(other))
        if failed:
            raise failed[0]

    def published(self) -> Published:
        """What the record says of it: the earlier call's result where this one writes nothing."""
        before = self.record.published
        return replace(
            before,
            tickets=before.tickets if self.tickets is None else self.tickets,
            closed=before.closed if self.closed is None else self.closed,
            refused=self.refused if self.options.publish else before.refused,
        )

    def _tell(self, table: Tracker) -> None:
        options = self.options
        memory = Memory.of(options.state, table.url)
        writes = Writes(today=options.date, known=memory.recall(), retry=options.retry_refused)
        try:
            self._write(table, writes)
        finally:
            self.refused += writes.record()
            writes.remember(memory)
        writes.finish(self.console)

    def _write(self, table: Tracker, writes: Writes) -> None:
        project, publish, console = self.config.project, self.options.publish, self.console

        def refs(repository: str) -> Mapping[str, str]:
            return Mirror.of(project.repository, self.options.state).list_refs(repository)

        tracker = connect_tracker(table, Surroundings(list_refs=refs, folder=self.options.state))
        own = tuple(each for each in self.record.tickets if prefix_of(each.number) == table.prefix)
        record, dialect = replace(self.record, tickets=own), TRACKERS[table.tracker].dialect
        url = report_address(project.report)
        told = tell_tickets(record, tracker, dialect, console, writes, publish=publish, url=url)
        self.tickets = _added(self.tickets, told)
        if self.options.close and not writes.is_stopped:
            mirror = Mirror.of(project.repository, self.options.state)
            release = release_at(mirror, record.release, record.base)
            subjects = merge_subjects(self.config.tickets)
            closed = close_merged(tracker, mirror, release, console, writes, publish=publish, subjects=subjects)
            self.closed = _added(self.closed, closed)


def _added(before: tuple[int, ...] | None, more: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return before if more is None else (*(before or ()), *more)
