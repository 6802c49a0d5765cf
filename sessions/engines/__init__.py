"""Where probes run: the protocol of engines, and one room for each engine.

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
    """A listener that ignores what it hears."""


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

    ``why`` is a clause that says why this engine was chosen; where it is empty, the engine says why it can be used.
    ``warn`` hears about failures that do no harm. An engine that is ``alone`` in its state folder deletes what a killed
    call left there. One that is not ``confined`` runs its probes without a jail even where it could make one.
    """

    why: str
    warn: Listen = ignore
    alone: bool = True
    confined: bool = True


@dataclass(frozen=True, kw_only=True)
class RemoteImage:
    """What another machine must know to have the image that this machine prepared.

    ``references`` are names to pull it by, the most exact first. Where ``needs_source``, the release's files must be
    sent along. Where ``confined``, probes run in a jail on this machine, and must do so there.
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
        """Open the engine; it may write to the state folder.

        Raises :class:`EngineUnavailableError` where it cannot be used on this machine.
        """
        ...

    @property
    def why(self) -> str:
        """Why this engine was chosen, and how it confines probes, as a clause."""
        ...

    @property
    def exposure(self) -> str:
        """Why nothing keeps a probe's commands from the user's files, as a clause; empty where something does."""
        ...

    @property
    def images(self) -> ImageStore | None:
        """The store of images; ``None`` for an engine that makes none."""
        ...

    def check_disk(self, release: str, source: int) -> str:
        """Return how much disk a run on a release needs and how much is free; its files have ``source`` bytes.

        Raises :class:`InfrastructureError` where too little is free.
        """
        ...

    def prepare(self, release: ImageSource) -> Image:
        """Return the image of a release, pulled or built where it is not here yet.

        Raises :class:`InfrastructureError` where that fails.
        """
        ...

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run one probe, and delete all that it leaves, except for what the outcome holds.

        Raises :class:`InfrastructureError` where the engine itself failed, which says nothing about the probe.
        """
        ...

    def describe_remote(self, image: Image) -> RemoteImage:
        """Return what another machine must know to have an image that this engine prepared."""
        ...

    def obtain(self, remote: RemoteImage, release: ImageSource) -> Image:
        """Get the image that the session's machine prepared onto this machine.

        Raises :class:`InfrastructureError` where this machine cannot have the same image.
        """
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


def shell_of(engine: Engine) -> Callable[[Probe, Listen], None] | None:
    """Return what runs a probe's steps and opens a shell there; ``None`` for an engine whose images can be entered."""
    found: Callable[[Probe, Listen], None] | None = getattr(engine, "open_shell", None)
    return found
