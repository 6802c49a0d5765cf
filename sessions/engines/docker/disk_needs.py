"""How much disk a Docker daemon needs for a run, estimated from the images that it has. Sizes are bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker
from docker.utils import parse_repository_tag

from sessions.engines.disk_space import Need, check_needs
from sessions.engines.docker.daemon import names_of, translate_docker_errors
from sessions.engines.image_names import LABEL

# A candidate's container and the image made of it exist at the same time, while the next candidate begins to grow.
_AT_ONCE = 3
# A build writes about as much as it reads: objects beside sources.
_BUILT_BESIDE_SOURCE = 2


def check_disk(client: docker.DockerClient, name: str, state: Path, source: int) -> str:
    """Return how much a run on the image ``name`` needs and how much is free; ``source`` is the size of its files.

    Raises :class:`InfrastructureError` if too little is free.
    """
    with translate_docker_errors("Asking the engine for its disk"):
        needs = daemon_needs(client, name, source)
    return check_needs([Need(what="logs and artifacts", place=state, size=source), *needs])


def daemon_needs(client: docker.DockerClient, name: str, source: int) -> list[Need]:
    """Return what candidates and the image ``name`` need on disk; ``source`` is the size of the release's files.

    A daemon whose disk is not this machine's needs nothing here.
    """
    needs = []
    images = client.api.images()  # one answer: `images.list` asks again for each
    here = any(name in names_of(image) for image in images)
    if not here:
        needs.append(Need(what="the release's files to build from", place=Path(tempfile.gettempdir()), size=source))
    if root := engine_root(client):
        needs.append(Need(what="candidates", place=root, size=_AT_ONCE * growth(images, source)))
        if not here and (size := usual_size(images, name)):
            needs.append(Need(what="the baseline's image", place=root, size=size))
    return needs


def growth(images: Sequence[dict[str, Any]], source: int) -> int:
    """Estimate how many bytes a candidate adds to its base, from the largest image made of one, else from its source.

    ``images`` are as the daemon lists them; images of Integrand carry the id of their base in a label.
    """
    sizes = {image["Id"]: image["Size"] for image in images}
    grown = [0]
    for image in images:
        labels = image.get("Labels") or {}
        if labels.get(f"{LABEL}.base") in sizes and labels.get(f"{LABEL}.kind") not in ("baseline", "layers"):
            grown.append(image["Size"] - sizes[labels[f"{LABEL}.base"]])
    return max(grown) or _BUILT_BESIDE_SOURCE * source


def usual_size(images: Sequence[dict[str, Any]], name: str) -> int:
    """Estimate the size of an image that is not here: that of the largest image of its repository, or 0."""
    repository = parse_repository_tag(name)[0]
    same = (
        image["Size"] for image in images if any(parse_repository_tag(tag)[0] == repository for tag in names_of(image))
    )
    return max(same, default=0)


def engine_root(client: docker.DockerClient) -> Path | None:
    """Return the folder where a daemon keeps containers; ``None`` if that is on another machine."""
    if client.api.base_url != "http+docker://localhost":  # as docker-py calls a socket of this machine
        return None
    root = str(client.info().get("DockerRootDir") or "")
    return Path(root) if root.startswith("/") and Path(root).exists() else None
