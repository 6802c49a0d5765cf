"""What is wrong with the machine, by its own measure: evidence that nothing a probe writes can make up."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.engines.bounds import ExceededError, say_bytes
from sessions.engines.disk_space import room_at, say_size

# A disk with less than this is full: some of what is free is reserved for root, or too scattered to be used.
_FULL = 16 * 2**20
# A probe may fill a disk to this share of what was free when it began; whoever takes more has filled the disk. Where
# less than so many bytes were free, the machine was full before.
_SHARE = 0.9
_LITTLE = 2**30


def memory_size() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def disk_trouble(places: Sequence[Path]) -> str:
    """Which of the disks of ``places`` is full, as a clause; empty where none is."""
    for place in places:
        room = room_at(place)
        if room.free < _FULL:
            return f"the disk of {place} has {say_size(room.free)} free"
        if no_inodes(room.place):
            return f"the disk of {place} has no inode left for another file"
    return ""


def no_inodes(place: Path) -> bool:
    """Whether a disk that counts its inodes has none left."""
    there = next(each for each in (place, *place.parents) if each.exists())
    about = os.statvfs(there)
    return about.f_files > 0 and about.f_favail == 0


@dataclass
class DiskWatch:
    """Watches the disks of ``places``, on which a probe writes, and how many bytes it ``used`` of them.

    ``trouble`` becomes what was found wrong with them. A probe that takes more than ``limit`` bytes, or nearly all that
    was free when it began, is itself what is wrong.
    """

    places: Sequence[Path]
    limit: int
    used: Callable[[], int]
    trouble: str = ""

    def __post_init__(self) -> None:
        self.free = min((room_at(place).free for place in self.places), default=self.limit)

    def check(self, more: int = 0) -> None:
        """Look once; so many bytes ``more`` are used than can be seen.

        Raises :class:`ExceededError` where the probe takes too much.
        """
        used = self.used() + more
        if used > self.limit:
            raise ExceededError(
                "too much disk", f"it wrote more than {say_bytes(self.limit)} ([engine] disk sets how much)"
            )
        if used > _SHARE * self.free and self.free >= _LITTLE:
            raise ExceededError(
                "too much disk", f"it wrote {say_bytes(used)} of the {say_bytes(self.free)} that were free"
            )
        self.trouble = self.trouble or disk_trouble(self.places)

    def find_trouble(self) -> str:
        """Return what was, or is, wrong with the disks, as a clause."""
        return self.trouble or disk_trouble(self.places)
