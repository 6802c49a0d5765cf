"""What no session may leave behind, in its state folder and in an engine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import docker

from sessions.engines.image_names import LABEL

# Locks, files that were half written, folders of trials and of probes.
_UNFINISHED = (
    "mirrors/**/*.lock",
    "**/*.half",
    "**/tmp*",
    "**/*incoming*",
    "unpacking-*",
    "local/trial-*",
    "local/probes/*",
)


def files_left(state: Path) -> list[str]:
    """Return the unfinished files and folders in a state folder, each with its kind.

    Builds that are kept may hold any file that a project's build makes.
    """
    kept = state / "local" / "builds"
    found = ((kind, path) for kind in _UNFINISHED for path in state.glob(kind))
    return [f"{kind}: {path}" for kind, path in found if not path.is_relative_to(kept)]


def docker_left(client: docker.DockerClient, state: Path) -> list[str]:
    """Return the containers and the unnamed images of a state folder in an engine that others use as well."""
    owner = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    containers = client.containers.list(all=True, filters={"label": f"{LABEL}.probe={owner}"})
    images = client.api.images(filters={"dangling": True, "label": f"{LABEL}.state={owner}"})
    return [f"container {each.name}" for each in containers] + [f"unnamed image {each['Id']}" for each in images]
