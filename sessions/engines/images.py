"""Images: what they are made of, and the store in which an engine keeps, pushes and pulls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from sessions.engines.probe import Image, Listen, Probe

# Writes the release's files into a folder.
Export = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """A release that an image is made of: tag, tree and commit (hex ids; empty if unknown), and its files."""

    tag: str
    tree: str
    export: Export
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """An image for inspection: a candidate after its first step, with some files added and removed.

    ``name`` is its repository and tag. ``inputs`` identifies its content: the image is made again if that changes.
    ``without`` are paths in the source to delete first. ``fill`` writes the files to add into a folder, and returns
    the absolute path in the image for each of them. ``command`` is what the image runs by default; ``None`` keeps the
    baseline's command.
    """

    candidate: Probe
    name: str
    inputs: str
    labels: Mapping[str, str]
    without: tuple[str, ...]
    fill: Callable[[Path], Mapping[str, Path]]
    command: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Built:
    """An image that was built on this machine and not pulled, and the names under which other machines look for it.

    The first name is for this image alone: an image that is there under that name need not be pushed again. The second
    name is reused for each new image, whose layers are a build cache.
    """

    id: str
    names: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """An image in a registry, as ``repository@sha256:…``. ``is_new``: it was not there before the push."""

    reference: str
    is_new: bool

    @property
    def digest(self) -> str:
        """The digest: ``sha256:…``."""
        return self.reference.partition("@")[2]


class ImageTransfer(Protocol):
    """The images of this machine by name, and as one archive for another machine.

    All methods raise :class:`InfrastructureError` where the engine fails or the archive cannot be read.
    """

    def find(self, name: str) -> Image | None:
        """Return the image of that name (repository:tag) on this machine, if there is one."""
        ...

    def names_here(self, image: Image) -> Mapping[str, str]:
        """Return the ids of a prepared image and of those below it that were built here, by their names here."""
        ...

    def save(self, names: Sequence[str], path: Path) -> None:
        """Write images with their names into an archive; raises also if one is missing."""
        ...

    def load(self, ids: Mapping[str, str], path: Path) -> bool:
        """Load an archive, unless all images are here already; return whether it was loaded.

        Raises also if a name belongs to another id afterwards.
        """
        ...


class ArchiveStore(Protocol):
    """Tar archives that are kept as images, so that a registry can hold them.

    Both methods raise :class:`InfrastructureError` where the engine fails.
    """

    def save(self, name: str, inputs: str, archive: Callable[[], IO[bytes]]) -> None:
        """Keep a tar archive as an image that holds nothing else, unless it is here with the same ``inputs``."""
        ...

    def read(self, name: str, folder: str) -> IO[bytes]:
        """Return the top folder ``folder`` of an archive that is kept as an image here, as a tar stream to close."""
        ...


class ImageStore(Protocol):
    """The images of an engine, on this machine and in the registry of ``[engine] image``.

    All methods raise :class:`InfrastructureError` where the engine or the registry fails.
    """

    @property
    def transfer(self) -> ImageTransfer:
        """The images of this machine, for another one."""
        ...

    @property
    def archives(self) -> ArchiveStore:
        """The archives that are kept as images."""
        ...

    def check_login(self) -> None:
        """Check that the registry accepts our login, before anything that takes long."""
        ...

    def make(self, inspection: Inspection, listen: Listen) -> Image | None:
        """Return an image for inspection, and make it if needed; ``None`` if its candidate does not build."""
        ...

    def enter(self, image: Image) -> None:
        """Open a shell in an image, on this terminal."""
        ...

    def prune(self, *, keep: frozenset[str], before: str) -> int:
        """Remove the images of candidates that nobody needs any more, and return how many were removed.

        These are the builds of all candidates but those in ``keep``, and images of days before a date (2026-11-23)
        whose names are not in ``keep``. Images that are in use stay.
        """
        ...

    def push(self, name: str) -> Pushed:
        """Push an image (repository:tag) unless the registry has it; check that what can be pulled is what was sent.

        A push that was interrupted leaves nothing visible in the registry, and the next one sends only what is missing.
        """
        ...

    def pull(self, name: str) -> Image:
        """Pull an image."""
        ...

    def digest(self, name: str) -> str | None:
        """Return the digest (``sha256:…``) of an image in the registry; ``None`` if it is not there."""
        ...

    def built_here(self, image: Image) -> tuple[Built, ...]:
        """Return which images of a prepared release were built on this machine, the lowest one first."""
        ...

    def tag(self, image: str, name: str) -> None:
        """Give the image with this id another name (repository:tag)."""
        ...
