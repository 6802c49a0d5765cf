"""Kept builds, and compiler caches that the release's build fills: images of the release and a layer with the caches.

A candidate's container starts from such an image. What it writes to a cache is in its own layer, as all that it writes,
and goes with its container.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from docker.errors import NotFound

from sessions.engines.docker.archives import scripts_archive
from sessions.engines.docker.container import PROBE, ProbeContainer
from sessions.engines.docker.kept_builds import KeptBuilds
from sessions.engines.image_names import PROBE_FOLDER
from sessions.engines.probe import Image, Probe

# The folder of compiler caches in a container.
CACHE = f"{PROBE_FOLDER}/cache"


@dataclass(frozen=True, kw_only=True)
class CachedBuilds(KeptBuilds):
    """Kept builds and images of caches, together within the limit; ``variables`` name the caches to the build."""

    variables: tuple[str, ...]

    @property
    def cache_folders(self) -> dict[str, str]:
        """The folders of the caches by their variables."""
        return {name: f"{CACHE}/{name}" for name in self.variables}

    def lend_cache(self, probe: Probe, borrowed: ExitStack) -> Image | None:
        """Return the image with the caches of the release's build for a probe, lent; ``None`` if none is kept."""
        return self.lend(_key(probe), borrowed) if self.variables else None

    def keep_cache(
        self, built: ProbeContainer, probe: Probe, labels: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> None:
        """Keep the caches that the release's build has left in its container, unless they are kept already."""
        if not self.variables or self.find(_key(probe)) or not self.make_room(built.written()):
            return
        empty = built.client.containers.create(probe.image.id, entrypoint="sh", labels={PROBE: self.owner})
        try:
            with tempfile.TemporaryFile() as archive:
                try:
                    for chunk in built.container.get_archive(CACHE)[0]:
                        archive.write(chunk)
                except NotFound:  # the build uses no cache
                    return
                archive.seek(0)
                empty.put_archive("/", scripts_archive(PROBE_FOLDER.strip("/"), {}, built.owner))
                empty.put_archive(PROBE_FOLDER, archive)
            own = {"kind": "built", "built": "", "inputs": "", "date": dt.datetime.now(dt.UTC).date().isoformat()}
            holder = ProbeContainer(built.client, empty, probe.image, built.source, built.bounds)
            holder.commit(self.name_of(_key(probe)), labels(own))
        finally:
            empty.remove(force=True, v=True)


def _key(probe: Probe) -> str:
    return f"cache-{probe.of_release.candidate}"
