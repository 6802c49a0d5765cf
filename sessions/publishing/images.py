"""Push images to the registry of ``[engine] image``."""

from __future__ import annotations

from sessions.engines.images import ImageStore
from sessions.engines.probe import Image
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def publish_image(images: ImageStore, name: str, console: Console) -> str:
    """Push the image called ``name`` (repository:tag) unless the registry has it; return its ``repository@sha256:…``.

    Raises :class:`InfrastructureError` if the push is refused, or the registry returns another image than was pushed.
    """
    pushed = images.push(name)
    console.detail(f"image {name} pushed as {pushed.digest}" if pushed.is_new else f"image {name} is there already")
    return pushed.reference


def publish_baseline(images: ImageStore, image: Image, console: Console) -> None:
    """Push the parts of a release's image that were built here, so that others pull them instead of building them.

    Each image is pushed once under a name that identifies its content, and also under the name of the build cache. It
    is no failure if the cache cannot be pushed.
    """
    for built in images.built_here(image):
        name, cache = built.names
        if images.digest(name):
            continue
        for each in built.names:
            images.tag(built.id, each)
        publish_image(images, name, console)
        try:
            publish_image(images, cache, console)
        except InfrastructureError as error:
            console.detail(f"the cache is not there for the next build: {error}")
