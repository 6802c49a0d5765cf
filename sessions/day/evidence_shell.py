"""Open a shell at a ticket's failure, and check whether a record's commands may run on this machine at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sessions.day.context import Day
from sessions.day.debug_images import DebugImages, Evidence
from sessions.day.probe_runner import ProbeRunner
from sessions.day.reproduction_run import evidence_probe
from sessions.engines import ignore, shell_of
from sessions.engines.choice import open_preferred
from sessions.ledger.record import Record
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.terminal.errors import InfrastructureError, UsageError


def check_confinement(options: Options, config: Config, record: Record) -> None:
    """Refuse to run a record's commands without a jail, unless the user chose the local engine or it is the sample's.

    Raises :class:`InfrastructureError`.
    """
    is_sample = Path(config.project.repository).is_relative_to(options.state / "sample")
    if options.engine or record.engine != "local" or is_sample:
        return
    if openness := open_preferred(config, "local", options.state, alone=False).exposure:
        raise InfrastructureError(
            f"The day ran with the local engine, and {openness}, which would keep the record's commands from your "
            "files: install bubblewrap, or type --engine local or --engine docker."
        )


def open_shell(day: Day, runner: ProbeRunner, evidence: Evidence) -> None:
    """Open a shell at a ticket's failure: in its debug image, or, with the local engine, in a jail on this machine."""
    debug_images = DebugImages(day, runner)
    command = debug_images.command(evidence)
    day.console.detail(f"the failing command: {command}")
    if open_there := shell_of(runner.engine):
        _, probe = evidence_probe(runner, evidence)
        day.console.step(f"A shell in the source of {evidence.commit[:10]}; `exit` leaves it, and removes the folder")
        open_there(replace(probe, steps=probe.steps[:1]), ignore)
        return
    image, images = debug_images.make(debug_images.evidence(evidence)), runner.engine.images
    if image is None or images is None:
        raise UsageError(f"There is no image to open: the {runner.engine.name} engine does not make images.")
    day.console.step(f"A shell in {image.name}; `exit` leaves it")
    images.enter(image)
