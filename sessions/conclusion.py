"""The end of a day: images to look into, what is published, and the record of it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sessions.day import Day
from sessions.engines.probe import Inspection
from sessions.engines.registry import Registry
from sessions.errors import InfrastructureError, IntegrandError, SourceError
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
    anywhere is finished by the next one. A push that is refused keeps only what rests on it from being published.

    Raises :class:`InfrastructureError` or :class:`SourceError` at the end where something could not be published.
    """
    record = _write(day, gathered)
    published, troubles = dict[str, Any](), list[IntegrandError]()
    if laboratory:
        with _going_on(troubles):
            share_baseline(laboratory, day.options)
    if laboratory and laboratory.engine.registry and gathered.state in ("green", "red", "empty"):
        exhibition = Exhibition(day, laboratory)
        gathered = replace(gathered, shown=_show_evidence(exhibition, record, laboratory.engine.registry, troubles))
        record = _write(day, gathered)
        published |= _publish_head(exhibition, gathered, record, laboratory.engine.registry, troubles)
        with _going_on(troubles):
            exhibition.tidy(record)
    elif gathered.state == "green":
        published |= _publish_branch(day, record, troubles)
    if published:
        record = _write(day, replace(gathered, published=published))
    if laboratory:
        with _going_on(troubles):
            hand_over(laboratory, record, day.options)
    if troubles:
        raise troubles[0]
    return record


@contextmanager
def _going_on(troubles: list[IntegrandError]) -> Iterator[None]:
    """Go on after a push that was refused; it is told at the end."""
    try:
        yield
    except (InfrastructureError, SourceError) as error:
        troubles.append(error)


def _publish_head(
    exhibition: Exhibition, gathered: Gathered, record: Record, registry: Registry, troubles: list[IntegrandError]
) -> dict[str, Any]:
    """What was published of the head: its image, and then, if it is green and the image arrived, its branch."""
    published, before = dict[str, Any](), len(troubles)
    with _going_on(troubles):
        published |= _show_head(exhibition, record, registry) if record["order"] else {}
    if gathered.state == "green" and len(troubles) == before:
        published |= _publish_branch(exhibition.day, record, troubles)
    return published


def _publish_branch(day: Day, record: Record, troubles: list[IntegrandError]) -> Mapping[str, Any]:
    with _going_on(troubles):
        return publish_branch(day.mirror, day.branch, record["head"], day.narrator, day.options)
    return {}


def _write(day: Day, gathered: Gathered) -> Record:
    record = write_record(day, gathered)
    write_reports(record, day.folder)
    return record


def _show_evidence(exhibition: Exhibition, record: Record, registry: Registry, troubles: list[IntegrandError]) -> Shown:
    """The name under which to pull or run each image that shows what a ticket breaks."""
    shown = dict[tuple[int, str, str], str]()
    for evidence in evidence_of(record):
        with _going_on(troubles):
            if name := _show_one(exhibition, exhibition.evidence(evidence), registry):
                shown[evidence.number, evidence.gate, evidence.tree] = name
    return shown


def _show_one(exhibition: Exhibition, wanted: Inspection, registry: Registry) -> str:
    """The name of an image that shows something, or nothing where it does not build even without its build."""
    day = exhibition.day
    publishes = day.options.publish and day.config.engine.image
    # Its name says what is in it: one that was pushed on another day shows the same, and keeps its address.
    if publishes and (there := registry.digest_of(wanted.name)):
        return f"{day.config.engine.image}@{there}"
    if not exhibition.make(wanted):
        return ""
    return publish_image(registry, wanted.name, day.narrator) if publishes else wanted.name


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
