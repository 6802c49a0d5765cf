"""The end of a day: images to look into, what is published, and the record of it all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sessions.day.context import Day
from sessions.day.debug_images import DebugImages, evidence_of
from sessions.day.probe_runner import ProbeRunner
from sessions.day.recorded_tickets import ImageNames
from sessions.day.run_record import DayResult, write_record
from sessions.day.state_sync import hand_over, share_baseline
from sessions.engines.docker.registry import Registry
from sessions.engines.probe import Inspection
from sessions.ledger.record import Published, PublishedBranch, PublishedImage, Record, State
from sessions.publishing.branch import publish_branch
from sessions.publishing.images import publish_image
from sessions.reporting.report_files import write_reports
from sessions.terminal.errors import InfrastructureError, IntegrandError, SourceError


def conclude(day: Day, day_result: DayResult, runner: ProbeRunner | None = None) -> Record:
    """Record what was found, make images of it, publish them and the branch if asked, and record that.

    What shows a failure comes first, so that the head's image holds a record that names it; the branch comes last,
    so that nobody finds one whose image is missing. What is there already is left as it is: a call that was stopped
    anywhere is finished by the next one. A push that is refused keeps only what rests on it from being published.

    Raises :class:`InfrastructureError` or :class:`SourceError` at the end where something could not be published.
    """
    record = _write(day, day_result)
    published, troubles = Published(), list[IntegrandError]()
    if runner:
        with _going_on(troubles):
            share_baseline(runner, day.options)
    if runner and runner.engine.registry and day_result.state in (State.GREEN, State.RED, State.EMPTY):
        debug_images = DebugImages(day, runner)
        day_result = replace(day_result, shown=_show_evidence(debug_images, record, runner.engine.registry, troubles))
        record = _write(day, day_result)
        published = _publish_head(debug_images, day_result, record, runner.engine.registry, troubles)
        with _going_on(troubles):
            debug_images.tidy(record)
    elif day_result.state is State.GREEN:
        published = Published(branch=_publish_branch(day, record, troubles))
    if published != Published():
        record = _write(day, replace(day_result, published=published))
    if runner:
        with _going_on(troubles):
            hand_over(runner, record, day.options)
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
    debug_images: DebugImages, day_result: DayResult, record: Record, registry: Registry, troubles: list[IntegrandError]
) -> Published:
    """What was published of the head: its image, and then, if it is green and the image arrived, its branch."""
    image, branch, before = None, None, len(troubles)
    with _going_on(troubles):
        image = _show_head(debug_images, record, registry) if record.order else None
    if day_result.state is State.GREEN and len(troubles) == before:
        branch = _publish_branch(debug_images.day, record, troubles)
    return Published(image=image, branch=branch)


def _publish_branch(day: Day, record: Record, troubles: list[IntegrandError]) -> PublishedBranch | None:
    with _going_on(troubles):
        return publish_branch(day.mirror, day.branch, record.head, day.console, day.options)
    return None


def _write(day: Day, day_result: DayResult) -> Record:
    record = write_record(day, day_result)
    write_reports(record, day.folder)
    return record


def _show_evidence(
    debug_images: DebugImages, record: Record, registry: Registry, troubles: list[IntegrandError]
) -> ImageNames:
    """The name under which to pull or run each image that shows what a ticket breaks."""
    shown = dict[tuple[int, str, str], str]()
    for evidence in evidence_of(record):
        with _going_on(troubles):
            if name := _show_one(debug_images, debug_images.evidence(evidence), registry):
                shown[evidence.number, evidence.gate, evidence.tree] = name
    return shown


def _show_one(debug_images: DebugImages, wanted: Inspection, registry: Registry) -> str:
    """The name of an image that shows something, or nothing where it does not build even without its build."""
    day = debug_images.day
    publishes = day.options.publish and day.config.engine.image
    # Its name says what is in it: one that was pushed on another day shows the same, and keeps its address.
    if publishes and (there := registry.digest_of(wanted.name)):
        return f"{day.config.engine.image}@{there}"
    if not debug_images.make(wanted):
        return ""
    return publish_image(registry, wanted.name, day.console) if publishes else wanted.name


def _show_head(debug_images: DebugImages, record: Record, registry: Registry) -> PublishedImage | None:
    """What was published of the head's image."""
    day, wanted = debug_images.day, debug_images.head(record)
    if not debug_images.make(wanted):
        return None
    day.console.detail(f"look into the head: docker run --rm -it {wanted.name} sh")
    if not day.config.engine.image or not (record.state is State.GREEN or day.options.push_failed):
        return None
    if not day.options.publish:
        day.console.detail(f"not pushed without --publish: image {wanted.name}")
        return None
    reference = publish_image(registry, wanted.name, day.console)
    return PublishedImage(name=wanted.name, reference=reference)
