"""Runs probes in plain folders of this machine.

For desks without Docker. Where bubblewrap is installed, a probe's commands run in a jail (jail.py): they have no
network, see no other process, and can write to the probe's folder alone. Where it is not, a probe's environment holds
no token and its home is empty, but nothing keeps its code from the network or from other files of the same user.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sessions.engines import Listen, Opening, RemoteImage
from sessions.engines.collecting import outcome_of
from sessions.engines.disk_space import Need, check_needs
from sessions.engines.images import ImageSource
from sessions.engines.local.confinement import Confinement
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.engines.local.shell import enter_shell
from sessions.engines.local.step import LocalStepRunner, run_steps
from sessions.engines.local.workspace import Workspace, put_file
from sessions.engines.machine import DiskWatch
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError

# The variables of the user's environment that a probe's commands may see; no token is among them.
_PASSED_ON = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class LocalEngine:
    """An engine of folders and subprocesses under the state folder.

    One that is ``alone`` in its state folder deletes what a killed call left behind. One that is not ``confined`` runs
    its probes without a jail even where bubblewrap is installed.
    """

    config: Config
    state: Path
    reason: str
    alone: bool = True
    confined: bool = True
    name: ClassVar[str] = "local"
    images: ClassVar[None] = None

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> LocalEngine:
        """Open the engine, which is available everywhere."""
        reason = opening.why or "it needs nothing else"
        return cls(config, state, reason=reason, alone=opening.alone, confined=opening.confined)

    def __post_init__(self) -> None:
        if self.alone:
            self.confinement.clean_up()

    @property
    def why(self) -> str:
        """Why this engine was chosen, and whether bubblewrap confines its commands."""
        exposure = self.exposure
        jail = f"nothing shuts its commands off, as {exposure}" if exposure else "bubblewrap shuts its commands off"
        return f"{self.reason}; {jail}"

    @property
    def exposure(self) -> str:
        """Why there is no jail; empty where there is one."""
        with self.confinement.translate_errors():
            return self.confinement.exposure

    @cached_property
    def confinement(self) -> Confinement:
        """What keeps probes from the rest of this machine, and from the release's folder."""
        return Confinement(self.state, self.config.engine, jailed=self.confined)

    @cached_property
    def python(self) -> PythonEnvironment:
        """The Python that probes find on their PATH."""
        return PythonEnvironment(self.state / "local", self.config.engine.packages)

    def check_disk(self, release: str, source: int) -> str:  # noqa: ARG002
        """Return how much disk the release's folder, a candidate's files and logs need, and how much is free."""
        return check_needs([Need(what="logs and artifacts", place=self.state, size=3 * source)])

    def prepare(self, release: ImageSource) -> Image:
        """Write the release's files to a folder, and install the configured packages."""
        self.python.install()
        inputs = (release.tree, sys.version, platform.platform(), *self.config.engine.packages)
        fingerprint = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]
        folder = self.confinement.release(fingerprint)
        if not folder.exists():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            release.export(half)
            half.rename(folder)
        return Image(id=f"local:{fingerprint}", name=f"{self.config.project.name} {release.tag} in a folder")

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe on the release's files, without a change to the release's folder."""
        start = time.monotonic()
        with prepare_workspace(self, probe) as runner:
            steps, trouble = run_steps(probe, runner, listen), runner.disk.find_trouble
            return outcome_of(probe, steps, runner.workspace, runner.bounds, start=start, trouble=trouble)

    def open_shell(self, probe: Probe, listen: Listen) -> None:
        """Run a probe's steps, then open a shell where they ran; :func:`~sessions.engines.shell_of` finds this."""
        with prepare_workspace(self, probe) as runner:
            run_steps(probe, runner, listen)
            enter_shell(runner)

    def describe_remote(self, image: Image) -> RemoteImage:
        """Another machine needs the release's files, and a jail where there is one here."""
        return RemoteImage(image=image, needs_source=True, confined=self.confinement.jail is not None)

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:
        """Write the release's files; the image is the same with the same Python on the same platform."""
        if remote.confined and self.exposure:
            raise InfrastructureError(f"{self.exposure}, as it is where the session runs")
        image = self.prepare(release)
        if image.id != remote.image.id:
            raise InfrastructureError(
                f"it has another image ({image.id}, not {remote.image.id}; the local engine needs the same Python and "
                "the same platform)"
            )
        return image

    def close(self) -> None:
        """There is nothing to release."""


@contextmanager
def prepare_workspace(engine: LocalEngine, probe: Probe) -> Iterator[LocalStepRunner]:
    """Write a probe's files into a folder of its own, and yield what runs steps there."""
    confinement = engine.confinement
    bounds, release = confinement.bounds, confinement.release(probe.image.id.removeprefix("local:"))
    with (
        confinement.translate_errors(),
        confinement.temporary_folder() as folder,
        Workspace.of(folder, release, confinement.layers, bounds) as workspace,
    ):
        for file in probe.overlay:
            put_file(workspace.view.folder, file)
        before = workspace.size()
        yield LocalStepRunner(
            workspace=workspace,
            jail=confinement.jail,
            readable=engine.python.readable,
            environment=_environment(engine.python) | workspace.environment() | probe.environment,
            disk=DiskWatch((engine.state,), bounds.disk, lambda: workspace.size() - before),
        )


def _environment(python: PythonEnvironment) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {"PATH": f"{python.programs}:{os.environ.get('PATH', os.defpath)}"}
