"""Get the same image on another machine, by the names that it can be pulled by."""

from __future__ import annotations

import docker
from docker.errors import ImageNotFound

from sessions.engines import RemoteImage
from sessions.engines.docker.daemon import translate_docker_errors
from sessions.engines.docker.image_store import DockerImageStore
from sessions.engines.docker.registry import Registry, RegistryError
from sessions.engines.probe import Image
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


def describe_image(images: DockerImageStore, image: Image) -> RemoteImage:
    """Return the names to pull an image by: its digests, then where it is published, then its own."""
    with translate_docker_errors("Looking for the image's names"):
        digests = images.client.images.get(image.id).attrs.get("RepoDigests") or []
        published = (built.names[0] for built in images.built_here(image) if built.id == image.id)
        return RemoteImage(image=image, references=(*digests, *published, image.name))


def obtain_image(remote: RemoteImage, config: Config, client: docker.DockerClient) -> Image:
    """Return the image with the same id, pulled if it is not here.

    Raises :class:`InfrastructureError` if no name leads to it.
    """
    image = remote.image
    with translate_docker_errors("Looking for the image"):
        try:
            return Image(id=str(client.images.get(image.id).id), name=image.name)
        except ImageNotFound:
            trouble = f"{image.name} is not there, and nothing says where to pull it from"
        for reference in remote.references:
            try:
                pulled = Registry.of(reference, config, client).pull(reference)
            except RegistryError as error:
                trouble = str(error)
                continue
            if pulled == image.id:
                return image
            trouble = f"{reference} is another image there, {pulled}"
        raise InfrastructureError(trouble)
