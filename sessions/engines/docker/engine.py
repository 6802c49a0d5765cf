"""Runs probes in Docker containers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import docker
from docker.errors import ImageNotFound

from sessions.engines import EngineUnavailableError, Listen, Opening, RemoteImage, ignore
from sessions.engines.bounds import Bounds
from sessions.engines.collecting import outcome_of
from sessions.engines.disk_space import Need, check_needs
from sessions.engines.docker.baseline_image import BaselineImage
from sessions.engines.docker.candidates import Candidates, run_step
from sessions.engines.docker.container import PROBE
from sessions.engines.docker.daemon import connect, translate_docker_errors
from sessions.engines.docker.disk_needs import daemon_needs
from sessions.engines.docker.image_store import DockerImageStore
from sessions.engines.docker.registry import Registry, RegistryError
from sessions.engines.images import ImageSource
from sessions.engines.machine import memory_size
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class DockerEngine:
    """An engine of containers. One that is ``alone`` in its state folder deletes the containers of a killed call."""

    config: Config
    state: Path
    client: docker.DockerClient
    why: str
    warn: Listen = ignore
    alone: bool = True
    name: ClassVar[str] = "docker"
    # Containers see no file of the user.
    exposure: ClassVar[str] = ""

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> DockerEngine:
        """Connect to the daemon. Raises :class:`EngineUnavailableError` where none answers."""
        client, trouble = connect()
        if client is None:
            raise EngineUnavailableError(f"no Docker daemon answers ({trouble})", "start it")
        why = opening.why or "a daemon answers"
        return cls(config, state, client, why=why, warn=opening.warn, alone=opening.alone)

    def __post_init__(self) -> None:
        if not self.alone:
            return
        with translate_docker_errors("Removing what a killed call left behind"):
            filters: dict[str, Any] = {"label": f"{PROBE}={self.candidates.owner}"}
            for container in self.client.containers.list(all=True, filters=filters, ignore_removed=True):
                container.remove(force=True, v=True)

    @cached_property
    def candidates(self) -> Candidates:
        """Makes the containers of candidates."""
        return Candidates(self.config, self.state, self.client)

    @property
    def images(self) -> DockerImageStore:
        """The daemon's images, and the registry that they are pushed to."""
        return DockerImageStore(self.config, self.client, self.candidates, self.bounds, self.warn)

    @cached_property
    def bounds(self) -> Bounds:
        """The bounds of probes on the daemon's machine."""
        return Bounds.of(self.config.engine, int(self.client.info().get("MemTotal") or memory_size()))

    def check_disk(self, release: str, source: int) -> str:
        """Return how much disk candidates and logs need, and how much is free."""
        name = BaselineImage(config=self.config, client=self.client, warn=self.warn).name_of(release)
        with translate_docker_errors("Asking the engine for its disk"):
            needs = daemon_needs(self.client, name, source)
        return check_needs([Need(what="logs and artifacts", place=self.state, size=source), *needs])

    def prepare(self, release: ImageSource) -> Image:
        """Return the baseline image, with the configured layers on it where there are any."""
        return BaselineImage(config=self.config, client=self.client, warn=self.warn).prepare(release)

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe in a container of its own."""
        start = time.monotonic()
        with (
            translate_docker_errors("The Docker engine"),
            self.candidates.start(probe, self.bounds, listen) as (runner, first),
        ):
            steps = [first]
            for step in probe.steps[1:]:
                if steps[-1].is_failure:
                    break
                reports = probe.reports if step is probe.steps[-1] else ()
                steps.append(run_step(runner, step, reports, listen))
            files, trouble = runner.box.files, runner.disk.find_trouble
            return outcome_of(probe, steps, files, self.bounds, start=start, trouble=trouble)

    def describe_remote(self, image: Image) -> RemoteImage:
        """Return the names to pull an image by: its digests, then where it is published, then its own."""
        with translate_docker_errors("Looking for the image's names"):
            digests = self.client.images.get(image.id).attrs.get("RepoDigests") or []
            published = (built.names[0] for built in self.images.built_here(image) if built.id == image.id)
            return RemoteImage(image=image, references=(*digests, *published, image.name))

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:  # noqa: ARG002
        """Return the image with the same id, pulled where it is not here."""
        wanted = remote.image
        with translate_docker_errors("Looking for the image"):
            try:
                return Image(id=str(self.client.images.get(wanted.id).id), name=wanted.name)
            except ImageNotFound:
                trouble = f"{wanted.name} is not there, and nothing says where to pull it from"
            for reference in remote.references:
                try:
                    pulled = Registry.of(reference, self.config, self.client).pull(reference)
                except RegistryError as error:
                    trouble = str(error)
                    continue
                if pulled == wanted.id:
                    return wanted
                trouble = f"{reference} is another image there, {pulled}"
            raise InfrastructureError(trouble)

    def close(self) -> None:
        """Close the connection to the daemon."""
        self.client.close()
