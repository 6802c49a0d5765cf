"""Where probes run: in Docker containers, in folders of this machine, or on the workers of a Dask cluster.

An engine knows nothing of tickets, and a probe needs no git. May import ``settings``, ``source`` and ``terminal``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sessions.engines.docker.registry import Registry
from sessions.engines.probe import Image, Inspection, Outcome, Probe

# Writes the release's files into a folder.
Export = Callable[[Path], None]
# Is told each line that a probe prints.
Listen = Callable[[str], None]


class Engine(Protocol):
    """Prepares a release's image, and runs probes on it."""

    @property
    def name(self) -> str:
        """Its word in the configuration."""
        ...

    @property
    def why(self) -> str:
        """Why it was the one to take."""
        ...

    @property
    def registry(self) -> Registry | None:
        """Where its images go when they are published; ``None`` where it makes no images."""
        ...

    def room(self, release: str, source: int) -> str:
        """How much disk a run on a release needs, whose files take ``source`` bytes, and how much there is.

        Raises :class:`InfrastructureError` where there is too little.
        """
        ...

    def prepare(self, release: str, commit: str, tree: str, export: Export) -> Image:
        """The image of a release, pulled or built where it is not here yet; ``commit`` and ``tree`` as full hex ids.

        Raises :class:`InfrastructureError` where it cannot be had.
        """
        ...

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run one probe; nothing of it is left afterwards, but what the outcome holds.

        Raises :class:`InfrastructureError` where the engine itself failed: that says nothing about the probe.
        """
        ...

    def inspection(self, wanted: Inspection, listen: Listen) -> Image | None:
        """An image to look into; ``None`` where the engine has no images, or the candidate does not build."""
        ...

    def enter(self, image: Image) -> None:
        """Open a shell in an image, on this terminal. Raises :class:`InfrastructureError` where that cannot be."""
        ...

    def prune(self, *, keep: frozenset[str], before: str) -> int:
        """Remove what was kept of all candidates but these, and images of days before a date; how many they were."""
        ...

    def close(self) -> None:
        """Give back what was borrowed."""
        ...
