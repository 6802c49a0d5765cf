"""Runs probes in Docker containers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import docker

from sessions.engines import EngineUnavailableError, Listen, Opening, RemoteImage, ignore
from sessions.engines.bounds import Bounds
from sessions.engines.docker.baseline_image import BaselineImage
from sessions.engines.docker.candidates import Candidates
from sessions.engines.docker.daemon import connect
from sessions.engines.docker.disk_needs import check_disk
from sessions.engines.docker.image_store import DockerImageStore
from sessions.engines.docker.remote_images import describe_image, obtain_image
from sessions.engines.images import ImageSource
from sessions.engines.machine import memory_size
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config


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
        """Connect to the daemon. Raises :class:`EngineUnavailableError` if none answers."""
        client, trouble = connect()
        if client is None:
            raise EngineUnavailableError(f"no Docker daemon answers ({trouble})", "start it")
        why = opening.why or "a daemon answers"
        return cls(config, state, client, why=why, warn=opening.warn, alone=opening.alone)

    def __post_init__(self) -> None:
        if self.alone:
            self.candidates.remove_leftovers()

    @cached_property
    def candidates(self) -> Candidates:
        """Makes the containers of candidates."""
        return Candidates(self.config, self.state, self.client)

    @property
    def baseline(self) -> BaselineImage:
        """Prepares the images of releases."""
        return BaselineImage(config=self.config, client=self.client, warn=self.warn)

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
        return check_disk(self.client, self.baseline.name_of(release), self.state, source)

    def prepare(self, release: ImageSource) -> Image:
        """Return the baseline image, with the configured layers on it, if there are any."""
        return self.baseline.prepare(release)

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe in a container of its own."""
        return self.candidates.run(probe, self.bounds, listen)

    def describe_remote(self, image: Image) -> RemoteImage:
        """Return the names to pull an image by."""
        return describe_image(self.images, image)

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:  # noqa: ARG002
        """Return the image with the same id, pulled if it is not here."""
        return obtain_image(remote, self.config, self.client)

    def close(self) -> None:
        """Remove images that have lost their name in this call, and close the connection to the daemon."""
        try:
            if self.alone:
                self.candidates.leave(self.warn)
        finally:
            self.client.close()
