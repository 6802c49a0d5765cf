"""The images that a day makes to debug with, and their entries in the run record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sessions.day.debug_images import DebugImages, evidence_of
from sessions.day.probe_runner import ProbeRunner
from sessions.engines.images import Inspection
from sessions.ledger.record import ImageKind, Record, RecordedImage
from sessions.publishing.publication import Publication, name_evidence


def release_image(runner: ProbeRunner) -> RecordedImage:
    """Return the record's entry for the release's image, on which all probes ran."""
    return RecordedImage(kind=ImageKind.RELEASE, name=runner.builder.image.name, id=runner.builder.image.id)


def make_images(
    debug_images: DebugImages, record: Record, publication: Publication, save: Callable[[Record], Record]
) -> Record:
    """Make the images of a day, push those of evidence, and return the record that names them all.

    The head's image holds the record: it is saved before that is made.
    """
    described: list[Inspection] = []
    evidence = _make_evidence(debug_images, record, publication, described)
    names = {(each.number, each.gate, each.tree): each.name for each in evidence}
    record = replace(name_evidence(record, names), images=(*record.images, *evidence))
    record = save(publication.push_evidence(record))
    with publication.go_on():
        if record.order:
            described.append(debug_images.head(record))
        head = _image(debug_images, ImageKind.HEAD, described[-1]) if record.order else None
        if head:
            record = replace(record, images=(*record.images, head))
            debug_images.day.console.detail(f"look into the head: docker run --rm -it {head.name} sh")
    # An image that could not be described may be here, and must not be removed.
    if len(described) == len(evidence_of(record)) + bool(record.order):
        with publication.go_on():
            debug_images.tidy(described)
    return record


def _make_evidence(
    debug_images: DebugImages, record: Record, publication: Publication, described: list[Inspection]
) -> list[RecordedImage]:
    """Make an image for each failure that a ticket causes, unless the registry has it; return the record's entries.

    The inspections are added to ``described``: each costs git several processes.
    """
    made = list[RecordedImage]()
    for evidence in evidence_of(record):
        with publication.go_on():
            inspection = debug_images.evidence(evidence)
            described.append(inspection)
            if publication.pushed_evidence(inspection.name):
                image: RecordedImage | None = RecordedImage(kind=ImageKind.EVIDENCE, name=inspection.name, id="")
            else:
                image = _image(debug_images, ImageKind.EVIDENCE, inspection)
            if image:
                made.append(replace(image, number=evidence.number, gate=evidence.gate, tree=evidence.tree))
    return made


def _image(debug_images: DebugImages, kind: ImageKind, inspection: Inspection) -> RecordedImage | None:
    """Make an image, and return the record's entry for it; ``None`` if its candidate does not build."""
    image = debug_images.make(inspection)
    return RecordedImage(kind=kind, name=inspection.name, id=image.id) if image else None
