"""The builds of candidates that are kept as images, within ``[build] keep``."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from sessions.engines.docker.daemon import names_of
from sessions.engines.image_names import LABEL
from sessions.engines.probe import Image, Probe
from sessions.source.overlay_files import Overlay


@dataclass(frozen=True, kw_only=True)
class KeptBuilds:
    """The builds of the state folder that ``owner`` identifies, of at most ``limit`` bytes together.

    Those that this session ``used`` are removed last, and of others the oldest first; those that are lent stay.
    """

    client: docker.DockerClient
    project: str
    owner: str
    limit: int
    used: set[str] = field(default_factory=set)
    _lent: Counter[str] = field(default_factory=Counter, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

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

    def lend(self, candidate: str, borrowed: ExitStack) -> Image | None:
        """Return the image of a candidate's build, which stays until ``borrowed`` ends; ``None`` if none is kept."""
        with self._lock:
            if image := self.find(candidate):
                self._lent[image.name] += 1
                borrowed.callback(self._take_back, image.name)
            return image

    def lend_start(self, probe: Probe, borrowed: ExitStack) -> tuple[Image, Overlay] | None:
        """Return the image of the nearest build that is kept, lent likewise, and the files that differ from it."""
        found = ((self.lend(start.candidate, borrowed), start.overlay) for start in probe.starts)
        return next(((image, overlay) for image, overlay in found if image), None)

    def make_room(self, size: int) -> bool:
        """Remove builds until another one of ``size`` bytes fits; return whether it does."""
        with self._lock:
            images = self.client.api.images()  # one answer: other probes make and remove images between two
            sizes = {image["Id"]: int(image["Size"]) for image in images}
            builds = [image for image in images if self._is_ours(image)]
            grown = {each["Id"]: sizes[each["Id"]] - sizes.get(each["Labels"][f"{LABEL}.base"], 0) for each in builds}
            total = sum(grown.values())
            unused = [each for each in builds if not any(self._lent[name] for name in names_of(each))]
            for build in sorted(unused, key=lambda each: (not self.used.isdisjoint(names_of(each)), each["Created"])):
                if total + size <= self.limit:
                    break
                with suppress(APIError):  # a container uses it, or another session has removed it
                    for name in names_of(build):
                        self.client.images.remove(name)
                    total -= grown[build["Id"]]
            return total + size <= self.limit

    def _take_back(self, name: str) -> None:
        with self._lock:
            self._lent[name] -= 1

    def _is_ours(self, image: dict[str, Any]) -> bool:
        labels = image.get("Labels") or {}
        return (labels.get(f"{LABEL}.state"), labels.get(f"{LABEL}.kind")) == (self.owner, "built")
