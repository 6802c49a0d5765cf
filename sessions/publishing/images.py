"""Images, pushed to a registry."""

from __future__ import annotations

import re
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

from sessions.engines.docker.daemon import reason
from sessions.engines.docker.engine import DockerEngine
from sessions.engines.docker.registry import Registry
from sessions.engines.probe import Image
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def publish_image(registry: Registry, name: str, console: Console) -> str:
    """Push the image called ``name`` (repository:tag), and pull it again; its ``repository@sha256:…``.

    A registry shows an image under its name only when all of it has arrived: a push that was cut short leaves
    nothing to see, and the next one sends only what is missing. What is there already is not pushed again.

    Raises :class:`InfrastructureError` where it is refused, or what comes back is not what was sent.
    """
    repository, tag = name.rsplit(":", 1)
    client = registry.client
    try:
        image = client.images.get(name)
        there = registry.digest_of(name)
        if there and f"{repository}@{there}" in image.attrs.get("RepoDigests", []):
            console.detail(f"image {name} is there already")
            return f"{repository}@{there}"
        # The call itself never raises: what went wrong is in what the daemon tells meanwhile.
        told: list[dict[str, Any]] = list(
            client.api.push(repository, tag, stream=True, decode=True, auth_config=registry.auth_config)
        )
        if wrong := next((line["error"] for line in told if "error" in line), ""):
            raise _refused(name, wrong)
        said = " ".join(str(line.get("status", "")) for line in told)
        if not (pushed := re.search(r"digest: (sha256:[0-9a-f]{64})", said)):
            raise _refused(name, "no digest was told")
        digest = pushed[1]
        pulled = registry.pull(f"{repository}@{digest}")
    except (DockerException, RequestException) as error:
        raise _refused(name, reason(error)) from None
    if pulled != image.id:
        raise _refused(name, f"what comes back as {digest} is another image")
    console.detail(f"image {name} pushed as {digest}")
    return f"{repository}@{digest}"


def publish_baseline(engine: DockerEngine, image: Image, console: Console) -> None:
    """Push what was built here of a release's image, for others to pull instead of building it.

    Each under a name that says what it is made of, which is pushed once; and as the cache of what is built next,
    where that goes: to do without is no failure.
    """
    for built in engine.baseline.built_here(image):
        name, cache = built.names
        if engine.registry.digest_of(name):
            continue
        for each in built.names:
            engine.client.images.get(built.id).tag(*each.rsplit(":", 1))
        publish_image(engine.registry, name, console)
        try:
            publish_image(engine.registry, cache, console)
        except InfrastructureError as error:
            console.detail(f"the cache is not there for the next build: {error}")


def _refused(name: str, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"Pushing the image {name} failed ({why.strip().rstrip('.')}): nothing of it can be seen there yet. Mend that, "
        "then run the same command again: it goes on from here."
    )
