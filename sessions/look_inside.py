"""``nox -s integrate -- --shell [N]``: a shell in the newest run's head, or where ticket N breaks something."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sessions.day import open_day
from sessions.engines.probe import Inspection
from sessions.errors import UsageError
from sessions.exhibits import Exhibition, evidence_of
from sessions.ledger.record import Record, load_record
from sessions.narrator import Narrator
from sessions.options import Options


def look_inside(options: Options, narrator: Narrator) -> Record:
    """Open the shell in an image of the newest run, made first where it is not here; the record of that run.

    Raises :class:`UsageError` where that run has nothing to look into.
    """
    record = load_record(options.state)
    then = replace(options, release=record["release"], date=date.fromisoformat(record["date"]))
    with open_day(then, narrator) as day, day.laboratory() as laboratory:
        exhibition = Exhibition(day, laboratory)
        wanted, command = _choose(exhibition, record, options.shell)
        if command:
            narrator.detail(f"the failing command: {command}")
        image = exhibition.make(wanted)
        if image is None:
            raise UsageError(f"There is no image to look into: the {laboratory.engine.name} engine made none.")
        narrator.step(f"A shell in {image.name}; `exit` leaves it")
        laboratory.engine.enter(image)
    return record


def _choose(exhibition: Exhibition, record: Record, number: int | None) -> tuple[Inspection, str]:
    """The image that was meant, and what fails in it."""
    if not number:
        if not record["probes"] or not record["order"]:
            raise UsageError("The newest run has no head that was built: type `nox -s integrate` first.")
        return exhibition.head(record), ""
    shown = [evidence for evidence in evidence_of(record) if evidence.number == number]
    if not shown:
        numbers = sorted({evidence.number for evidence in evidence_of(record)})
        known = f"--shell shows {', '.join(map(str, numbers))}" if numbers else "no ticket breaks anything"
        raise UsageError(f"Ticket {number} is not known to break anything in the newest run; {known}.")
    return exhibition.evidence(shown[0]), exhibition.command(shown[0])
