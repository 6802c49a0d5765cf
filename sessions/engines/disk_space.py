"""Room on disk: what a run needs and what there is, said before anything is done.

Sizes are bytes. What is not known counts as nothing: this is to stop a run that cannot end well, not to promise one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.utils import parse_repository_tag

from sessions.engines.docker.daemon import LABEL, told
from sessions.terminal.errors import InfrastructureError

# A candidate's container and the image made of it are there at once, and the next candidate's begins to grow.
AT_ONCE = 3
# A build writes about as much as it reads: objects beside sources.
_BUILT_BESIDE_SOURCE = 2


@dataclass(frozen=True, kw_only=True)
class Need:
    """What some place must hold, and what for."""

    what: str
    place: Path
    size: int


@dataclass(frozen=True, kw_only=True)
class Room:
    """A disk: its number, the first place of ours on it, what is free there."""

    device: int
    place: Path
    free: int


def room_at(place: Path) -> Room:
    """The disk that a path is on, or its nearest parent that exists."""
    there = next(each for each in (place, *place.parents) if each.exists())
    return Room(device=there.stat().st_dev, place=place, free=shutil.disk_usage(there).free)


def disk_warning(needs: Sequence[Need], rooms: Sequence[Room]) -> str:
    """What is needed and what there is, as one line. ``rooms`` are those of the needs' places, in their order.

    Raises :class:`InfrastructureError` for the first disk that has less than what is to lie on it.
    """
    disks: dict[int, tuple[Room, list[Need]]] = {}
    for need, room in zip(needs, rooms, strict=True):
        disks.setdefault(room.device, (room, []))[1].append(need)
    words = []
    for room, theirs in disks.values():
        size = sum(need.size for need in theirs)
        whats = ", ".join(f"{need.what} {say_size(need.size)}" for need in theirs)
        if size > room.free:
            raise InfrastructureError(
                f"The disk of {room.place} has {say_size(room.free)} free, and about {say_size(size)} are needed "
                f"({whats}): make room (`docker system prune` removes what Docker no longer uses), then run again."
            )
        words.append(f"about {say_size(size)} needed of {say_size(room.free)} at {room.place} ({whats})")
    return "; ".join(words)


def say_size(size: int) -> str:
    """``1.4 GB``, as Docker counts: in thousands."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def check_disk(client: docker.DockerClient | None, name: str, state: Path, source: int) -> str:
    """What a run on the image ``name`` needs and what there is, measured and weighed.

    ``source`` is the size of the release's files. Nothing is said of a daemon whose disk is not this machine's.

    Raises :class:`InfrastructureError` where there is too little.
    """
    needs = [Need(what="logs and artifacts", place=state, size=source)]
    if client:
        with told("Asking the engine for its disk"):
            needs += _engine_needs(client, name, source)
    return disk_warning(needs, [room_at(need.place) for need in needs])


def _engine_needs(client: docker.DockerClient, name: str, source: int) -> list[Need]:
    needs = []
    images = client.api.images()  # one answer: `images.list` asks again for each
    here = any(name in (image.get("RepoTags") or ()) for image in images)
    if not here:
        needs.append(Need(what="the release's files to build from", place=Path(tempfile.gettempdir()), size=source))
    if root := engine_root(client):
        needs.append(Need(what="candidates", place=root, size=AT_ONCE * growth(images, source)))
        if not here and (size := usual_size(images, name)):
            needs.append(Need(what="the baseline's image", place=root, size=size))
    return needs


def growth(images: Sequence[dict[str, Any]], source: int) -> int:
    """How much a candidate grows: as the largest image that we made of one, else as its source lets guess.

    ``images`` are as the daemon lists them; ours carry the id of what they were made on.
    """
    sizes = {image["Id"]: image["Size"] for image in images}
    grown = [0]
    for image in images:
        labels = image.get("Labels") or {}
        if labels.get(f"{LABEL}.base") in sizes and labels.get(f"{LABEL}.kind") not in ("baseline", "layers"):
            grown.append(image["Size"] - sizes[labels[f"{LABEL}.base"]])
    return max(grown) or _BUILT_BESIDE_SOURCE * source


def usual_size(images: Sequence[dict[str, Any]], name: str) -> int:
    """How large an image that is not here will be: as the largest of the same repository; 0 where there is none."""
    repository = parse_repository_tag(name)[0]
    same = (
        image["Size"]
        for image in images
        if any(parse_repository_tag(tag)[0] == repository for tag in image.get("RepoTags") or ())
    )
    return max(same, default=0)


def engine_root(client: docker.DockerClient) -> Path | None:
    """Return the folder where a daemon keeps containers; ``None`` where that is on another machine."""
    if client.api.base_url != "http+docker://localhost":  # as docker-py calls a socket of this machine
        return None
    root = str(client.info().get("DockerRootDir") or "")
    return Path(root) if root.startswith("/") and Path(root).exists() else None
