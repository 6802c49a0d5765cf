"""Archives that are kept as images of a Docker daemon, so that a registry can hold them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import docker
from docker.errors import DockerException, ImageNotFound

from sessions.engines.docker.candidates import own_labels
from sessions.engines.docker.container import PROBE
from sessions.engines.docker.daemon import translate_docker_errors
from sessions.engines.image_names import LABEL
from sessions.engines.probe import Image


@dataclass(frozen=True)
class DockerArchiveStore:
    """Implements :class:`~sessions.engines.images.ArchiveStore` with one daemon.

    ``project`` and ``owner`` (an id of the state folder) are the labels of images and containers.
    """

    client: docker.DockerClient
    project: str
    owner: str

    def save(self, name: str, inputs: str, archive: Callable[[], IO[bytes]]) -> None:
        """Import an archive as an image, unless one of the same ``inputs`` is here."""
        with translate_docker_errors(f"Making the image {name}"):
            if find_image(self.client, name, inputs):
                return
            repository, tag = name.rsplit(":", 1)
            labels = own_labels({"inputs": inputs, "project": self.project, "state": self.owner})
            changes = [*(f"LABEL {key}={value}" for key, value in labels.items()), 'CMD ["none"]']
            with archive() as stream:
                reply = str(self.client.api.import_image_from_data(stream, changes=changes))
            if not (made := re.search(r"sha256:[0-9a-f]{64}", reply)):
                raise DockerException(reply)
            self.client.images.get(made[0]).tag(repository, tag)  # podman takes no name with the archive

    def read(self, name: str, folder: str) -> IO[bytes]:
        """Copy a folder out of a container of the image, which need not run."""
        with translate_docker_errors(f"Reading the image {name}"):
            container = self.client.containers.create(name, ["none"], labels={PROBE: self.owner})
            try:
                chunks, _ = container.get_archive(f"/{folder}")
                stream = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
                stream.writelines(chunks)
                stream.seek(0)
                return stream
            finally:
                container.remove(force=True, v=True)


def find_image(client: docker.DockerClient, name: str, inputs: str) -> Image | None:
    """Return the image called ``name`` if it was made of these ``inputs``."""
    try:
        found = client.images.get(name)
    except ImageNotFound:
        return None
    return Image(id=str(found.id), name=name) if found.labels.get(f"{LABEL}.inputs") == inputs else None
