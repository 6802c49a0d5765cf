"""The builds of candidates that are kept as images, within ``[build] keep``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from sessions.engines.image_names import LABEL
from sessions.engines.probe import Image, Probe
from sessions.source.overlay_files import Overlay


@dataclass(frozen=True, kw_only=True)
class KeptBuilds:
    """The builds of the state folder that ``owner`` identifies, of at most ``limit`` bytes together.

    Those that this session ``used`` are removed last, and of others the oldest first.
    """

    client: docker.DockerClient
    project: str
    owner: str
    limit: int
    used: set[str] = field(default_factory=set)

    def name_of(self, candidate: str) -> str:
        """Return the name of the image of a candidate's build."""
        return f"integrand/{self.project}:built-{candidate}"

    def find(self, candidate: str) -> Image | None:
        """Return the image of a candidate's build; ``None`` if it is not kept."""
        name = self.name_of(candidate)
        try:
            image = Image(id=str(self.client.images.get(name).id), name=name)
        except ImageNotFound:
            return None
        self.used.add(name)
        return image

    def find_start(self, probe: Probe) -> tuple[Image, Overlay] | None:
        """Return the image of the nearest build that is kept, and the files that differ from it."""
        found = ((self.find(start.candidate), start.overlay) for start in probe.starts)
        return next(((image, overlay) for image, overlay in found if image), None)

    def make_room(self, size: int) -> bool:
        """Remove builds until another one of ``size`` bytes fits; return whether it does."""
        sizes = {image["Id"]: int(image["Size"]) for image in self.client.api.images()}
        filters: dict[str, Any] = {"label": [f"{LABEL}.state={self.owner}", f"{LABEL}.kind=built"]}
        builds = self.client.api.images(filters=filters)
        grown = {each["Id"]: sizes[each["Id"]] - sizes.get(each["Labels"][f"{LABEL}.base"], 0) for each in builds}
        total = sum(grown.values())
        for build in sorted(builds, key=lambda each: (not self.used.isdisjoint(_names(each)), each["Created"])):
            if total + size <= self.limit:
                break
            with suppress(APIError):  # a container uses it, or another session has removed it
                for name in _names(build):
                    self.client.images.remove(name)
                total -= grown[build["Id"]]
        return total + size <= self.limit


def _names(image: dict[str, Any]) -> list[str]:
    return image.get("RepoTags") or []
