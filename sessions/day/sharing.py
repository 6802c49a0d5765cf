"""Share results with other machines: the publication of a day, and that of a release's baseline."""

from __future__ import annotations

from dataclasses import replace

from sessions.day.context import Day
from sessions.day.day_images import release_image
from sessions.day.packed import pack
from sessions.day.probe_runner import ProbeRunner
from sessions.day.state_sync import hand_over
from sessions.ledger.record import Record
from sessions.ledger.record_file import save_record
from sessions.publishing.publication import Publication


def publication_of(day: Day, runner: ProbeRunner | None) -> Publication:
    """Return the publication of a day. ``runner`` ran its probes, or is ``None`` if none ran."""
    images = runner.engine.images if runner else None
    image = day.config.engine.image
    return Publication(options=day.options, console=day.console, repository=image, images=images)


def share(day: Day, runner: ProbeRunner, record: Record, *, is_newest: bool) -> Record:
    """Save the record of a baseline if it ``is_newest``, and publish the release's image and what is known, if asked.

    Raises :class:`InfrastructureError` if something could not be published.
    """
    publication = publication_of(day, runner)
    if publication.images:
        record = replace(record, images=(release_image(runner),))
    if is_newest:
        save_record(record, day.folder)
    publication.push_release(record)
    publication.finish()
    hand_over(publication, day.ledger, record)
    if day.options.pack:
        pack(publication.images, day.mirror, record, day.home)
    return record
