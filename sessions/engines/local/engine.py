"""Runs probes in plain folders of this machine.

This engine is for machines without Docker. Where bubblewrap is installed, a probe's commands run in a jail (jail.py):
they have no network, see no other process, and can write only to the probe's folder. Without bubblewrap, a probe's
environment holds no token and its home is empty, but its code can use the network and the user's other files.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sessions.engines import Listen, Opening, RemoteImage
from sessions.engines.disk_space import Need, check_needs
from sessions.engines.images import ImageSource
from sessions.engines.local.confinement import Confinement
from sessions.engines.local.preparation import prepare_workspace
from sessions.engines.local.probe_run import ProbeRun
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.engines.local.shell import enter_shell
from sessions.engines.local.step import run_steps
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class LocalEngine:
    """An engine of folders and subprocesses under the state folder.

    Unless it is ``confined``, it runs its probes without a jail even where bubblewrap is installed.
    """

    config: Config
    state: Path
    reason: str
    confined: bool = True
    name: ClassVar[str] = "local"
    images: ClassVar[None] = None

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> LocalEngine:
        """Open the engine, which is available everywhere.

        A process that is alone in its state folder deletes what a killed one left behind.
        """
        reason = opening.why or "it needs nothing else"
        engine = cls(config, state, reason=reason, confined=opening.confined)
        if opening.alone:
            engine.confinement.clean_up()
        return engine

    @property
    def why(self) -> str:
        """Why this engine was chosen, and whether bubblewrap confines its commands."""
        exposure = self.exposure
        jail = f"its commands are not isolated, as {exposure}" if exposure else "bubblewrap isolates its commands"
        return f"{self.reason}; {jail}"

    @property
    def exposure(self) -> str:
        """Why there is no jail; empty if there is one."""
        with self.confinement.translate_errors():
            return self.confinement.exposure

    @cached_property
    def confinement(self) -> Confinement:
        """The jail and the folders of probes."""
        build = self.config.build
        return Confinement(self.state, self.config.engine, jailed=self.confined, keep=build.keep, cache=build.cache)

    @cached_property
    def python(self) -> PythonEnvironment:
        """The Python that probes find on their PATH."""
        settings = self.config.engine
        return PythonEnvironment(self.state / "local", settings.packages, settings.packages_until)

    def check_disk(self, release: str, source: int) -> str:  # noqa: ARG002
        """Return how much disk the release's folder, a candidate's files and logs need, and how much is free."""
        return check_needs([Need(what="logs and artifacts", place=self.state, size=3 * source)])

    def prepare(self, release: ImageSource) -> Image:
        """Write the release's files to a folder, and install the configured packages."""
        self.python.install()
        python, *packages = self.python.inputs
        inputs = (release.tree, python, platform.platform(), *packages)
        fingerprint = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]
        folder = self.confinement.release(fingerprint)
        if not folder.exists():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            release.export(half)
            half.rename(folder)
        return Image(id=f"local:{fingerprint}", name=f"{self.config.project.name} {release.tag} in a folder")

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe on the release's files or a kept build, without a change to either."""
        return ProbeRun(probe=probe, confinement=self.confinement, python=self.python, listen=listen).run()

    def open_shell(self, probe: Probe, listen: Listen) -> None:
        """Run a probe's steps, then open a shell where they ran; :func:`~sessions.engines.shell_of` finds this."""
        with (
            self.confinement.translate_errors(),
            self.confinement.temporary_folder() as place,
            prepare_workspace(probe, place, self.confinement, self.python) as runner,
        ):
            run_steps(probe, runner, listen)
            enter_shell(runner)

    def describe_remote(self, image: Image) -> RemoteImage:
        """Return what another machine needs: the release's files, and a jail if there is one here."""
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
        """Do nothing: this engine holds no resources."""
