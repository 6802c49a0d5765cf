"""Finish a day: make debug images, publish, and write the record."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from sessions.day.context import Day
from sessions.day.day_images import make_images, release_image
from sessions.day.debug_images import DebugImages, bundle_evidence
from sessions.day.head_audit import audit_head
from sessions.day.packed import pack
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult
from sessions.day.saved_record import record_day, save_with_report
from sessions.day.sharing import publication_of
from sessions.day.state_sync import hand_over
from sessions.day.tidying import tidy
from sessions.ledger.record import Record, State


def conclude(day: Day, day_result: DayResult, runner: ProbeRunner | None = None) -> Record:
    """Record the results, make debug images, publish them and the branch if requested, and record that.

    Evidence comes first, because the record in the head's image names it; the branch comes last, so that its image
    always exists. Pushes are not repeated, so the next session finishes one that was stopped anywhere. A refused push
    prevents only the pushes that depend on it. If the audit of the head is red, nothing is pushed.

    Raises :class:`InfrastructureError` or :class:`SourceError` at the end if something could not be published.
    """
    if fault := _audit(day, day_result):
        return record_day(day, replace(day_result, state=State.BROKEN, message=fault))
    saved = record = record_day(day, day_result)
    publication = publication_of(day, runner)
    with publication.go_on():
        bundle_evidence(day, record)
    if runner and publication.images:
        record = replace(record, images=(release_image(runner),))
        publication.push_release(record)
        if day_result.state in (State.GREEN, State.RED, State.EMPTY):
            record = make_images(DebugImages(day, runner), record, publication, partial(save_with_report, day))
    record = publication.push_head(record, day.mirror)
    if record != saved:
        record = save_with_report(day, record)
    if runner:
        with publication.go_on():
            hand_over(publication, day.ledger, record)
    if day.options.pack:
        with publication.go_on():
            pack(publication.images, day.mirror, record, day.home)
    if runner and not day.options.shard:
        tidy(day, record)
    publication.finish()
    return record


def _audit(day: Day, day_result: DayResult) -> str:
    """Return why nothing may be pushed, if the head is not exactly what its tickets change; else an empty text."""
    progress = day_result.progress
    if not day_result.state.is_decided or progress is None or not progress.line.tickets:
        return ""
    return audit_head(day, progress.line)
