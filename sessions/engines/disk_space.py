"""Disk space: what a run needs and what is free, checked before anything is done.

Sizes are bytes. An unknown size counts as 0: the check stops runs that cannot succeed, and promises nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True, kw_only=True)
class Need:
    """How many bytes are needed in a folder, and what for."""

    what: str
    place: Path
    size: int


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A disk: its device number, a folder on it, and its free bytes."""

    device: int
    place: Path
    free: int


def disk_at(place: Path) -> Disk:
    """Return the disk of a path, or of its nearest parent that exists."""
    existing = next(each for each in (place, *place.parents) if each.exists())
    return Disk(device=existing.stat().st_dev, place=place, free=shutil.disk_usage(existing).free)


def check_needs(needs: Sequence[Need]) -> str:
    """Return one line with what is needed and what is free on each disk.

    Raises :class:`InfrastructureError` for the first disk that has too little free.
    """
    return disk_report(needs, [disk_at(need.place) for need in needs])


def disk_report(needs: Sequence[Need], disks: Sequence[Disk]) -> str:
    """Return one line with what is needed and what is free; ``disks`` are those of the needs, in their order.

    Raises :class:`InfrastructureError` for the first disk that has too little free.
    """
    by_device: dict[int, tuple[Disk, list[Need]]] = {}
    for need, disk in zip(needs, disks, strict=True):
        by_device.setdefault(disk.device, (disk, []))[1].append(need)
    parts = []
    for disk, needed in by_device.values():
        size = sum(need.size for need in needed)
        purposes = ", ".join(f"{need.what} {say_size(need.size)}" for need in needed)
        if size > disk.free:
            raise InfrastructureError(
                f"The disk of {disk.place} has {say_size(disk.free)} free, and about {say_size(size)} are needed "
                f"({purposes}): make room (`docker system prune` removes what Docker no longer uses), then run again."
            )
        parts.append(f"about {say_size(size)} needed of {say_size(disk.free)} at {disk.place} ({purposes})")
    return "; ".join(parts)


def say_size(size: int) -> str:
    """Return a size as ``1.4 GB``, in powers of 1000 as Docker writes it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"
