"""The end of a day: images to look into, what is published, and the record of it all."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from sessions.day.context import Day
from sessions.day.day_images import make_images, release_image
from sessions.day.debug_images import DebugImages, bundle_evidence
from sessions.day.head_audit import audit_head
from sessions.day.packed import pack
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult, make_record
from sessions.day.state_sync import hand_over
from sessions.day.tidying import tidy
from sessions.ledger.record import Record, save_record
from sessions.publishing.publication import Publication
from sessions.reporting.report_files import write_reports


def conclude(day: Day, day_result: DayResult, runner: ProbeRunner | None = None) -> Record:
    """Record what was found, make images of it, publish them and the branch if asked, and record that.

    Evidence comes first, so that the head's image holds a record that names it; the branch comes last, so that nobody
    finds one whose image is missing. What was pushed before is left as it is: the next call finishes one that was
    stopped anywhere. A push that is refused keeps only what rests on it from being published.

    Where the audit of the head is red, nothing is pushed.

    Raises :class:`InfrastructureError` or :class:`SourceError` at the end where something could not be published.
    """
    if fault := _audit(day, day_result):
        return _save(day, make_record(day, replace(day_result, state="broken", message=fault)))
    record = _save(day, make_record(day, day_result))
    publication = publication_of(day, runner)
    with publication.go_on():
        bundle_evidence(day, record)
    if runner and publication.images:
        record = {**record, "images": [release_image(runner)]}
        publication.push_release(record)
        if day_result.state in ("green", "red", "empty"):
            record = make_images(DebugImages(day, runner), record, publication, partial(_save, day))
    record = _save(day, publication.push_head(record, day.mirror))
    if runner:
        with publication.go_on():
            hand_over(publication, day.ledger, record)
    if day.options.pack:
        with publication.go_on():
            pack(publication.images, day.mirror, record, day.state)
    if runner and not day.options.shard:
        tidy(day, record)
    publication.finish()
    return record


def _audit(day: Day, day_result: DayResult) -> str:
    """Return why nothing may be pushed, if the head is not exactly what its tickets change; else an empty text."""
    progress = day_result.progress
    if day_result.state not in ("green", "red") or progress is None or not progress.line.tickets:
        return ""
    return audit_head(day, progress.line)


def share(day: Day, runner: ProbeRunner, record: Record, *, is_newest: bool) -> Record:
    """Save the record of a baseline if it ``is_newest``, and publish the release's image and what is known, if asked.

    Raises :class:`InfrastructureError` where something could not be published.
    """
    publication = publication_of(day, runner)
    if publication.images:
        record = {**record, "images": [release_image(runner)]}
    if is_newest:
        save_record(record, day.folder)
    publication.push_release(record)
    publication.finish()
    hand_over(publication, day.ledger, record)
    if day.options.pack:
        pack(publication.images, day.mirror, record, day.state)
    return record


def publication_of(day: Day, runner: ProbeRunner | None) -> Publication:
    """Return what pushes for a day whose probes ran with ``runner``, if any did."""
    images = runner.engine.images if runner else None
    image = day.config.engine.image
    return Publication(options=day.options, console=day.console, repository=image, images=images)


def _save(day: Day, record: Record) -> Record:
    """Save the record as the newest, with its report."""
    timings = {**record["timings"], "seconds": round(time.monotonic() - day.started, 3)}
    record = {**record, "timings": timings}
    save_record(record, day.folder)
    write_reports(record, day.folder)
    return record
