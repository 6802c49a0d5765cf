"""Where probes run. An engine knows nothing of tickets, and a probe needs no git."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sessions.config import Config
from sessions.engines.probe import Image, Outcome, Probe
from sessions.errors import InfrastructureError

# Writes the release's files into a folder.
Export = Callable[[Path], None]
# Is told each line that a probe prints.
Listen = Callable[[str], None]


class Engine(Protocol):
    """Prepares a release's image, and runs probes on it."""

    why: str

    def prepare(self, release: str, tree: str, export: Export) -> Image:
        """The image of a release, pulled or built where it is not here yet. Idempotent."""
        ...

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run one probe; whatever it made is gone afterwards, but for what the outcome holds."""
        ...


def choose_engine(config: Config, kind: str, state: Path) -> AbstractContextManager[Engine]:
    """The engine that was asked for; ``auto`` takes Docker where a daemon answers.

    Raises :class:`InfrastructureError` where Docker was asked for and no daemon answers.
    """
    from sessions.engines.docker import DockerEngine, connect
    from sessions.engines.local import LocalEngine

    if kind == "local":
        return _nothing_borrowed(LocalEngine(config, state, why="it was asked for"))
    client, trouble = connect()
    if client is not None:
        why = "it was asked for" if kind == "docker" else "a daemon answers"
        return DockerEngine.borrowed(config, state, client, why=why)
    if kind == "docker":
        raise InfrastructureError(f"No Docker daemon answers ({trouble}): start it, or run with --engine local.")
    return _nothing_borrowed(LocalEngine(config, state, why=f"no Docker daemon answers ({trouble})"))
