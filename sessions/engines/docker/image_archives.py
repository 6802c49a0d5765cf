"""Several images as one archive, in which layers that they share are once: as `docker save` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound

from sessions.engines.docker.daemon import told


def save_images(client: docker.DockerClient, names: Sequence[str], path: Path) -> None:
    """Write images with their names into an archive. Raises :class:`InfrastructureError` where one is missing."""
    # docker-py's own `Image.save` takes one image: https://docs.docker.com/reference/api/engine/#tag/Image
    api = client.api
    half = path.with_name(f"{path.name}.half")
    with (
        told(f"Saving images into {path}"),
        api.get(f"{api.base_url}/v{api.api_version}/images/get", params={"names": list(names)}, stream=True) as reply,
    ):
        reply.raise_for_status()
        with half.open("wb") as file:
            file.writelines(reply.iter_content(2**20))
        half.replace(path)


def load_images(client: docker.DockerClient, ids: Mapping[str, str], path: Path) -> bool:
    """Load an archive unless each name stands for its id here already; return whether it was loaded.

    Raises :class:`InfrastructureError` where it cannot be read, or a name stands for another id afterwards.
    """
    with told(f"Loading images from {path}"):
        if all(_id_of(client, name) == image for name, image in ids.items()):
            return False
        with path.open("rb") as file:
            client.images.load(file)
        for name, image in ids.items():
            if _id_of(client, name) != image:
                raise DockerException(f"{name} in it is not the image {image[:19]} of the run record")
    return True


def _id_of(client: docker.DockerClient, name: str) -> str:
    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        return ""
