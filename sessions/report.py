"""``nox -s report``: what came of the day, for people; with ``--publish`` each ticket is told."""

from __future__ import annotations

from sessions.config import load_config
from sessions.day import hold_state, settle, with_sample
from sessions.handover import take_over
from sessions.ledger.record import Record, load_record, save_record
from sessions.narrator import Narrator
from sessions.options import Options
from sessions.publishing.closing import close_merged
from sessions.publishing.tickets import report_address, tell_tickets
from sessions.reporting.actions import tell_actions, without_commands
from sessions.reporting.writing import write_reports
from sessions.source.mirror import Mirror
from sessions.source.start import release_at
from sessions.tickets.trackers import TRACKERS


def report(options: Options, narrator: Narrator) -> Record:
    """Write the report of the newest run, show it, tell the tickets and close what is merged, if asked."""
    with hold_state(options.state):
        config = with_sample(settle(load_config(options.config), options), options.state)
        take_over(config, options, narrator)
        record = load_record(options.state)
        folder = (options.state / "latest").resolve()
        with without_commands(narrator):
            narrator.show(write_reports(record, folder))
        narrator.detail(f"written to {folder / 'report.html'}, and as report.md")
        tell_actions(record, folder / "report.html", narrator)
        tracker = TRACKERS[config.tickets.tracker](config.tickets)
        told = tell_tickets(
            record, tracker, narrator, publish=options.publish, url=report_address(config.project.report)
        )
        if options.close:
            mirror = Mirror.of(config.project.repository, options.state)
            release = release_at(mirror, record["release"], record["base"])
            told |= close_merged(tracker, mirror, release, narrator, publish=options.publish)
        record = {**record, "published": {**record["published"], **told}}
        save_record(record, folder)
        return record
