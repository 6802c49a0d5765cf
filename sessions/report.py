"""``nox -s report``: what came of the day, for people; with ``--publish`` each ticket is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sessions.day.context import apply_options, hold_state, with_sample
from sessions.day.state_sync import take_over
from sessions.ledger.record import Record
from sessions.ledger.record_file import load_record, save_record
from sessions.publishing.closing import close_merged
from sessions.publishing.refused import Memory
from sessions.publishing.tickets import report_address, tell_tickets
from sessions.publishing.writes import Writes
from sessions.reporting.actions import tell_actions, without_commands
from sessions.reporting.report_files import write_reports
from sessions.settings.configuration import Config, load_config
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.source.start import release_at
from sessions.terminal.console import Console
from sessions.tickets.trackers import TRACKERS


def report(options: Options, console: Console) -> Record:
    """Write the report of the newest run, show it, tell the tickets and close what is merged, if asked."""
    with hold_state(options.state):
        config = with_sample(apply_options(load_config(options.config), options), options.state)
        take_over(config, options, console)
        record = load_record(options.state)
        folder = (options.state / "latest").resolve()
        with without_commands(console):
            console.show(write_reports(record, folder))
        console.detail(f"written to {folder / 'report.html'}, and as report.md")
        tell_actions(record, folder / "report.html", console)
        return _tell_tracker(config, options, record, folder, console)


def _tell_tracker(config: Config, options: Options, record: Record, folder: Path, console: Console) -> Record:
    """Tell and close the tickets; what was done is in the record, whatever stopped the rest."""
    memory = Memory.of(options.state, config.tickets.url)
    writes = Writes(today=options.date, known=memory.recall(), retry=options.retry_refused)
    published = record.published
    try:
        tracker, url = TRACKERS[config.tickets.tracker](config.tickets), report_address(config.project.report)
        told = tell_tickets(record, tracker, console, writes, publish=options.publish, url=url)
        published = published if told is None else replace(published, tickets=told)
        if options.close and not writes.is_stopped:
            mirror = Mirror.of(config.project.repository, options.state)
            release = release_at(mirror, record.release, record.base)
            closed = close_merged(tracker, mirror, release, console, writes, publish=options.publish)
            published = published if closed is None else replace(published, closed=closed)
    finally:
        published = replace(published, refused=writes.record()) if options.publish else published
        record = replace(record, published=published)
        save_record(record, folder)
        writes.remember(memory)
    writes.finish(console)
    return record
