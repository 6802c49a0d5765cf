"""Transfer images to another machine: several in one archive with shared layers, as `docker save` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound

from sessions.engines.docker.baseline_image import local_names
from sessions.engines.docker.daemon import translate_docker_errors
from sessions.engines.probe import Image


@dataclass(frozen=True)
class DockerImageTransfer:
    """Implements :class:`~sessions.engines.images.ImageTransfer` with one daemon."""

    client: docker.DockerClient

    def find(self, name: str) -> Image | None:
        """Return the image of that name on this machine, if there is one."""
        with translate_docker_errors(f"Reading the image {name}"):
            image = _id_of(self.client, name)
        return Image(id=image, name=name) if image else None

    def names_here(self, image: Image) -> Mapping[str, str]:
        """Return the ids of a prepared image and of those below it that were built here, by their names here."""
        return local_names(image, self.client)

    def save(self, names: Sequence[str], path: Path) -> None:
        """Write images into an archive."""
        # docker-py's own `Image.save` takes one image: https://docs.docker.com/reference/api/engine/#tag/Image
        api = self.client.api
        half = path.with_name(f"{path.name}.half")
        with (
            translate_docker_errors(f"Saving images into {path}"),
            api.get(
                f"{api.base_url}/v{api.api_version}/images/get", params={"names": list(names)}, stream=True
            ) as reply,
        ):
            reply.raise_for_status()
            with half.open("wb") as file:
                file.writelines(reply.iter_content(2**20))
            half.replace(path)

    def load(self, ids: Mapping[str, str], path: Path) -> bool:
        """Load an archive, unless all images are here already; return whether it was loaded."""
        with translate_docker_errors(f"Loading images from {path}"):
            if all(_id_of(self.client, name) == image for name, image in ids.items()):
                return False
            with path.open("rb") as file:
                self.client.images.load(file)
            for name, image in ids.items():
                if _id_of(self.client, name) != image:
                    raise DockerException(f"{name} in it is not the image {image[:19]} of the run record")
        return True


def _id_of(client: docker.DockerClient, name: str) -> str:
    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        return ""
