"""The end of a day: images to look into, what is published, and the record of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sessions.day import Day
from sessions.engines.registry import Registry
from sessions.exhibits import Exhibition, evidence_of
from sessions.handover import hand_over, share_baseline
from sessions.laboratory import Laboratory
from sessions.ledger.record import Record
from sessions.publishing.branch import publish_branch
from sessions.publishing.images import publish_image
from sessions.recording import Gathered, Shown, write_record
from sessions.reporting.writing import write_reports


def conclude(day: Day, gathered: Gathered, laboratory: Laboratory | None = None) -> Record:
    """Record what was found, make images of it, publish them and the branch if asked, and record that.

    What shows a failure comes first, so that the head's image holds a record that names it; the branch comes last,
    so that nobody finds one whose image is missing. What is there already is left as it is: a call that was stopped
    anywhere is finished by the next one.
    """
    record = _write(day, gathered)
    published: dict[str, Any] = {}
    if laboratory:
        share_baseline(laboratory, day.options)
    if laboratory and laboratory.engine.registry and gathered.state in ("green", "red", "empty"):
        exhibition = Exhibition(day, laboratory)
        gathered = replace(gathered, shown=_show_evidence(exhibition, record, laboratory.engine.registry))
        record = _write(day, gathered)
        if record["order"]:
            published |= _show_head(exhibition, record, laboratory.engine.registry)
        exhibition.tidy(record)
    if gathered.state == "green":
        published |= publish_branch(day.mirror, day.branch, record["head"], day.narrator, day.options)
    if published:
        record = _write(day, replace(gathered, published=published))
    if laboratory:
        hand_over(laboratory, record, day.options)
    return record


def _write(day: Day, gathered: Gathered) -> Record:
    record = write_record(day, gathered)
    write_reports(record, day.folder)
    return record


def _show_evidence(exhibition: Exhibition, record: Record, registry: Registry) -> Shown:
    """The name under which to pull or run each image that shows what a ticket breaks."""
    day, shown = exhibition.day, {}
    publishes = day.options.publish and day.config.engine.image
    for evidence in evidence_of(record):
        wanted = exhibition.evidence(evidence)
        # Its name says what is in it: one that was pushed on another day shows the same, and keeps its address.
        there = registry.digest_of(wanted.name) if publishes else None
        if there:
            name = f"{day.config.engine.image}@{there}"
        elif not exhibition.make(wanted):
            continue  # what does not build even without its build cannot be shown
        elif publishes:
            name = publish_image(registry, wanted.name, day.narrator)
        else:
            name = wanted.name
        shown[evidence.number, evidence.gate, evidence.tree] = name
    return shown


def _show_head(exhibition: Exhibition, record: Record, registry: Registry) -> Mapping[str, Any]:
    """What was published of the head's image."""
    day, wanted = exhibition.day, exhibition.head(record)
    if not exhibition.make(wanted):
        return {}
    day.narrator.detail(f"look into the head: docker run --rm -it {wanted.name} sh")
    if not day.config.engine.image or not (record["state"] == "green" or day.options.push_failed):
        return {}
    if not day.options.publish:
        day.narrator.detail(f"not pushed without --publish: image {wanted.name}")
        return {}
    reference = publish_image(registry, wanted.name, day.narrator)
    return {"image": {"name": wanted.name, "reference": reference}}
