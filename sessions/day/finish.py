"""The end of a day: images to look into, what is published, and the record of it all."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from dataclasses import replace
from typing import Any

from sessions.day.context import Day
from sessions.day.debug_images import DebugImages, evidence_commits, evidence_of
from sessions.day.head_audit import audit_head
from sessions.day.packed import pack
from sessions.day.probe_runner import ProbeRunner
from sessions.day.run_record import DayResult, make_record
from sessions.day.state_sync import hand_over
from sessions.engines.images import Inspection
from sessions.ledger.record import Record, save_record
from sessions.ledger.retention import tidy_state
from sessions.publishing.publication import Publication, name_evidence
from sessions.reporting.report_files import write_reports
from sessions.source.evidence_bundle import BUNDLE, write_bundle
from sessions.source.upkeep import tidy_mirror
from sessions.terminal.errors import SourceError


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
        write_bundle(day.mirror.repository, evidence_commits(record), day.release.commit, day.folder / BUNDLE)
    if runner and publication.images:
        record = {**record, "images": [release_image(runner)]}
        publication.push_release(record)
        if day_result.state in ("green", "red", "empty"):
            record = _make_images(DebugImages(day, runner), record, publication)
    record = _save(day, publication.push_head(record, day.mirror))
    if runner:
        with publication.go_on():
            hand_over(publication, day.ledger, record)
    if day.options.pack:
        with publication.go_on():
            pack(publication.images, day.mirror, record, day.state)
    if runner and not day.options.shard:
        _tidy(day, record)
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


def release_image(runner: ProbeRunner) -> dict[str, Any]:
    """Return the record's entry for the image that all results count for."""
    return {"kind": "release", "name": runner.builder.image.name, "id": runner.builder.image.id}


def _tidy(day: Day, record: Record) -> None:
    """Keep the state folder small. That this fails is worth a word, and no failure."""
    keep, today = day.config.engine.keep_days, day.options.date
    try:
        tidy_state(day.state, record, today, keep)
        tidy_mirror(day.mirror.repository, today - dt.timedelta(days=keep))
    except (OSError, sqlite3.Error, SourceError) as error:
        day.console.detail(f"what is old could not be removed from {day.state}: {error}")


def _save(day: Day, record: Record) -> Record:
    """Save the record as the newest, with its report."""
    timings = {**record["timings"], "seconds": round(time.monotonic() - day.started, 3)}
    record = {**record, "timings": timings}
    save_record(record, day.folder)
    write_reports(record, day.folder)
    return record


def _make_images(debug_images: DebugImages, record: Record, publication: Publication) -> Record:
    """Make the images of a day, push those of evidence, and return the record that names them all."""
    evidence = _make_evidence(debug_images, record, publication)
    names = {(each["number"], each["gate"], each["tree"]): each["name"] for each in evidence}
    record = {**name_evidence(record, names), "images": [*record["images"], *evidence]}
    record = _save(debug_images.day, publication.push_evidence(record))
    with publication.go_on():
        head = [_image(debug_images, "head", debug_images.head(record))] if record["order"] else []
        record = {**record, "images": [*record["images"], *filter(None, head)]}
        for image in filter(None, head):
            debug_images.day.console.detail(f"look into the head: docker run --rm -it {image['name']} sh")
    with publication.go_on():
        debug_images.tidy(record)
    return record


def _make_evidence(debug_images: DebugImages, record: Record, publication: Publication) -> list[dict[str, Any]]:
    """Make an image for each failure that a ticket causes, unless the registry has it: the entries for the record."""
    made = list[dict[str, Any]]()
    for evidence in evidence_of(record):
        with publication.go_on():
            wanted = debug_images.evidence(evidence)
            shows = {"number": evidence.number, "gate": evidence.gate, "tree": evidence.tree}
            if publication.pushed_evidence(wanted.name):
                made.append({"kind": "evidence", "name": wanted.name, "id": "", **shows})
            elif image := _image(debug_images, "evidence", wanted):
                made.append(image | shows)
    return made


def _image(debug_images: DebugImages, kind: str, wanted: Inspection) -> dict[str, Any] | None:
    """The record's entry for an image that is made now; ``None`` where its candidate does not build."""
    image = debug_images.make(wanted)
    return {"kind": kind, "name": wanted.name, "id": image.id} if image else None
