"""Engines run probes: their common protocol, and one room for each engine.

An engine knows overlays and commands, and nothing of tickets or git. May import ``settings``, ``source`` and
``terminal``; only ``engines/docker`` imports the ``docker`` package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from sessions.engines.images import Export, ImageSource, ImageStore
from sessions.engines.probe import Image, Listen, Outcome, Probe
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from sessions.settings.configuration import Config

__all__ = ["Engine", "EngineUnavailableError", "Export", "Listen", "Opening", "RemoteImage"]


def ignore(_line: str) -> None:
    """A listener that ignores all lines."""


class EngineUnavailableError(InfrastructureError):
    """An engine cannot be used on this machine.

    ``reason`` is a clause that says why ("no Docker daemon answers"), ``remedy`` one that says what to do ("start it").
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason[:1].upper()}{reason[1:]}: {remedy}.")
        self.reason, self.remedy = reason, remedy


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How an engine is opened.

    ``why`` is a clause that says why this engine was chosen; if it is empty, the engine says why it can be used.
    ``warn`` is called for harmless failures. An engine that is ``alone`` in its state folder deletes what a killed
    session left there. An engine that is not ``confined`` runs its probes without a jail even if it could make one.
    """

    why: str
    warn: Listen = ignore
    alone: bool = True
    confined: bool = True


@dataclass(frozen=True, kw_only=True)
class RemoteImage:
    """The data with which another machine gets the image that this machine prepared.

    ``references`` are names to pull it by, the most exact first. With ``needs_source``, the release's files must be
    sent, too. With ``confined``, probes run in a jail here, and must run in a jail there, too.
    """

    image: Image
    references: tuple[str, ...] = field(default=())
    needs_source: bool = False
    confined: bool = True


class Engine(Protocol):
    """Prepares the image of a release, and runs probes on it. ``name`` is the engine's name in the registry."""

    name: ClassVar[str]

    @classmethod
    def open(cls, config: Config, state: Path, opening: Opening) -> Self:
        """Open the engine, which may write to the state folder.

        Raises :class:`EngineUnavailableError` if it cannot be used on this machine.
        """
        ...

    @property
    def why(self) -> str:
        """A clause on why this engine was chosen, and how it confines probes."""
        ...

    @property
    def exposure(self) -> str:
        """A clause on why a probe's commands can read the user's files; empty if they cannot."""
        ...

    @property
    def images(self) -> ImageStore | None:
        """The store of images; ``None`` for an engine that makes none."""
        ...

    def check_disk(self, release: str, source: int) -> str:
        """Return how much disk a run on a release needs and how much is free; its files have ``source`` bytes.

        Raises :class:`InfrastructureError` if too little is free.
        """
        ...

    def prepare(self, release: ImageSource) -> Image:
        """Return the image of a release; pull or build it if it is not here yet.

        Raises :class:`InfrastructureError` if that fails.
        """
        ...

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run one probe, and delete all that it leaves, except for the files in the outcome.

        Raises :class:`InfrastructureError` if the engine itself fails, which says nothing about the probe.
        """
        ...

    def describe_remote(self, image: Image) -> RemoteImage:
        """Return the data with which another machine gets an image that this engine prepared."""
        ...

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:
        """Pull or build on this machine the image that the session's machine prepared.

        Raises :class:`InfrastructureError` if this machine cannot have the same image.
        """
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


def shell_of(engine: Engine) -> Callable[[Probe, Listen], None] | None:
    """Return the function that runs a probe's steps and opens a shell there; ``None`` if images are entered instead."""
    found: Callable[[Probe, Listen], None] | None = getattr(engine, "open_shell", None)
    return found
