"""``nox -s report``: write and show the report of the newest day; with ``--publish``, comment on its tickets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sessions.day.cooking_rules import cooking_rules
from sessions.day.effective_configuration import read_configuration
from sessions.day.state_folder import hold_state
from sessions.day.state_sync import take_over
from sessions.ledger.record import Published, Record, RefusedChange
from sessions.ledger.record_file import load_record, record_of_day, save_record
from sessions.ledger.state_archive import LEDGER
from sessions.publishing.closing import close_merged
from sessions.publishing.flake_issues import plan_issues, write_issues
from sessions.publishing.refused import Memory
from sessions.publishing.tickets import report_address, tell_tickets
from sessions.publishing.writes import Writes
from sessions.reporting.actions import tell_actions, without_commands
from sessions.reporting.cooking_files import write_cooking
from sessions.reporting.flake_files import read_records, write_flakes
from sessions.reporting.project_flakes import find_project_flakes
from sessions.reporting.report_files import write_reports
from sessions.reporting.text import plain_report
from sessions.reporting.trends import write_trends
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.start import release_at
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerError, UsageError
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import prefix_of
from sessions.tickets.trackers import TRACKERS, merge_subjects
from sessions.tickets.trackers.configured import connect_tracker
from sessions.tickets.trackers.kind import Surroundings


def report(options: Options, console: Console) -> Record:
    """Write and show the report of the newest run; comment on tickets and close those that are merged, if requested."""
    with hold_state(options.state):
        config = read_configuration(options)
        take_over(config, options, console)
        record = load_record(options.home)
        folder = (options.home / "latest").resolve()
        with without_commands(console):
            _show(record, write_reports(record, folder, cooking_rules(config)), options, console)
        console.detail(f"report: {folder / 'report.html'}, and report.md beside it")
        if options.trends:
            _write_trends(options.home, options.trends, console)
        if options.flakes:
            _write_flakes(config, options, options.flakes, console)
        if options.cooking:
            _write_cooking(config, options.home, options.cooking, console)
        tell_actions(record, folder / "report.html", console)
        record = tell_trackers(config, options, record, folder, console)
        tell_flakes(config, options, record, console)
        return record


def _show(record: Record, markdown: str, options: Options, console: Console) -> None:
    """Show the report: rendered on a terminal, as plain text elsewhere, or in the format that was requested."""
    match options.format:
        case "markdown":
            console.print_text(markdown)
        case "text":
            console.print_text(plain_report(record))
        case _:
            console.show(markdown, partial(plain_report, record))


@contextmanager
def _writing(folder: Path, option: str) -> Iterator[None]:
    """Say which option to change if a folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}): name another folder with {option}.") from None


def _write_trends(state: Path, folder: Path, console: Console) -> None:
    with _writing(folder, "--trends"):
        days = write_trends(state / "days", folder)
    console.detail(f"trends of {counted(days, 'day')}: {folder / 'trends.json'}, and CSV beside it")


def _write_flakes(config: Config, options: Options, folder: Path, console: Console) -> None:
    homes = (home for name, home in _line_homes(config, options).items() if name != options.line)
    others = (record for home in homes for record in read_records(home / "days"))
    with _writing(folder, "--flakes"):
        count = write_flakes(options.state / LEDGER, read_records(options.home / "days"), folder, others)
    console.detail(f"{counted(count, 'flaky test')}: {folder / 'flakes.html'}, and JSON and CSV beside it")


def _write_cooking(config: Config, state: Path, folder: Path, console: Console) -> None:
    with _writing(folder, "--cooking"):
        paths = write_cooking(state, folder, cooking_rules(config))
    console.detail(f"what's cooking: {', '.join(map(str, paths)) or 'no day is kept'}")


def tell_flakes(config: Config, options: Options, record: Record, console: Console) -> None:
    """Keep one issue for each flaky test at each tracker where that is configured; only with ``--publish``.

    Raises :class:`UsageError` for a tracker without issues, and :class:`TrackerError` if it fails or refuses.
    """
    for table in (each for each in config.tickets if each.flake_label):
        kind = TRACKERS[table.tracker]
        if kind.connect_issues is None:
            raise UsageError(f"[tickets] flake_label: {kind.title} keeps no issues for flaky tests; remove the key.")
        homes, newest = _line_homes(config, options), _line_records(config, options, record) or {"": record}
        flakes = find_project_flakes(options.state / LEDGER, homes, newest)
        if options.publish:
            issues = kind.connect_issues(table, Surroundings(folder=options.state))
            own, unknown = issues.list_own(table.flake_label), homes.keys() - newest.keys()
            changes = list(plan_issues(flakes, own, kind.dialect, issues.longest_body, unknown))
            write_issues(changes, issues, table.flake_label, console)
        else:
            console.detail(f"{counted(len(flakes), 'flaky test')} would get an issue with --publish")


def tell_trackers(config: Config, options: Options, record: Record, folder: Path, console: Console) -> Record:
    """Comment on the tickets and close them; the record says what was done, even if an error stops the rest."""
    telling = _Telling(config=config, options=options, record=record, console=console)
    try:
        telling.tell_all()
    finally:
        record = replace(record, published=telling.published())
        save_record(record, folder)
    return record


@dataclass(kw_only=True)
class _Telling:
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
        lines = _line_records(self.config, self.options, self.record)
        told = tell_tickets(record, tracker, dialect, console, writes, publish=publish, url=url, lines=lines)
        self.tickets = _added(self.tickets, told)
        if self.options.close and not writes.is_stopped:
            mirror = Mirror.of(project.repository, self.options.state)
            release = release_at(mirror, record.release, record.base)
            subjects = merge_subjects(self.config.tickets)
            closed = close_merged(tracker, mirror, release, console, writes, publish=publish, subjects=subjects)
            self.closed = _added(self.closed, closed)


def _line_homes(config: Config, options: Options) -> dict[str, Path]:
    """Return the folders of the release lines' days by name; that of a project without lines has no name."""
    names = [line.name for line in config.lines] if options.line else [""]
    return {name: replace(options, line=name).home for name in names}


def _line_records(config: Config, options: Options, record: Record) -> dict[str, Record]:
    """Return the newest records of all release lines by name, ``record`` among them; none if it is of no line."""
    if not options.line:
        return {}
    homes = _line_homes(config, options)
    newest = {name: record if name == options.line else record_of_day(home / "latest") for name, home in homes.items()}
    return {name: each for name, each in newest.items() if each}


def _added(before: tuple[int, ...] | None, more: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return before if more is None else (*(before or ()), *more)
