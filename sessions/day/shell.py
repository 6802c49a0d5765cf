"""``nox -s integrate -- --shell [N]``: a shell in the head of the newest run, or in an image where ticket N fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sessions.day.context import open_day
from sessions.day.debug_images import DebugImages, evidence_of
from sessions.day.opened_runner import open_runner
from sessions.engines.images import Inspection
from sessions.ledger.record import Record
from sessions.ledger.record_file import load_record
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError


def look_inside(options: Options, console: Console) -> Record:
    """Open a shell in an image of the newest run, made if it is not here; returns the record of that run.

    Raises :class:`UsageError` if that run has no such image.
    """
    record = load_record(options.home)
    then = replace(options, release=record.release, date=date.fromisoformat(record.date))
    with open_day(then, console) as day, open_runner(day) as runner:
        debug_images = DebugImages(day, runner)
        inspection, command = _choose(debug_images, record, options.shell)
        if command:
            console.detail(f"the failing command: {command}")
        image, images = debug_images.make(inspection), runner.engine.images
        if image is None or images is None:
            raise UsageError(f"There is no image to open: the {runner.engine.name} engine does not make images.")
        console.step(f"A shell in {image.name}; `exit` leaves it")
        images.enter(image)
    return record


def _choose(debug_images: DebugImages, record: Record, number: int | None) -> tuple[Inspection, str]:
    """Return the image to enter, and the command that fails in it."""
    if not number:
        if not record.probes or not record.order:
            raise UsageError("The newest run has no head that was built: type `nox -s integrate` first.")
        return debug_images.head(record), ""
    shown = [evidence for evidence in evidence_of(record) if evidence.number == number]
    if not shown:
        numbers = sorted({evidence.number for evidence in evidence_of(record)})
        known = f"--shell shows {', '.join(map(str, numbers))}" if numbers else "no ticket breaks anything"
        raise UsageError(f"Ticket {number} is not known to break anything in the newest run; {known}.")
    return debug_images.evidence(shown[0]), debug_images.command(shown[0])
