"""Publishes images: pushes them to the registry of ``[engine] image``."""

from __future__ import annotations

from sessions.engines.images import ImageStore
from sessions.engines.probe import Image
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def publish_image(images: ImageStore, name: str, console: Console) -> str:
    """Push the image called ``name`` (repository:tag) unless it is there; returns its ``repository@sha256:…``.

    Raises :class:`InfrastructureError` where the push is refused, or what comes back is not what was sent.
    """
    pushed = images.push(name)
    console.detail(f"image {name} pushed as {pushed.digest}" if pushed.is_new else f"image {name} is there already")
    return pushed.reference


def publish_baseline(images: ImageStore, image: Image, console: Console) -> None:
    """Push what was built here of a release's image, so that others pull it instead of building it.

    Each image goes under a name that identifies what it is made of, and is pushed once; and under the name of the build
    cache. A cache that cannot be pushed is no failure.
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
