"""What is wrong with the machine, as the engine measures it: a probe cannot forge this evidence."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.engines.bounds import ExceededError, say_bytes
from sessions.engines.disk_space import disk_at, say_size

# A disk with less free is full: some of it is reserved for root, or too scattered to be used.
_FULL = 16 * 2**20
# A probe may take this share of what was free when it began; one that takes more has filled the disk itself. Where less
# than so many bytes were free, the disk was full before.
_SHARE = 0.9
_LITTLE = 2**30


def memory_size() -> int:
    """Return the bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def disk_trouble(places: Sequence[Path]) -> str:
    """Return which of the disks of ``places`` is full, as a clause; empty if none is."""
    for place in places:
        disk = disk_at(place)
        if disk.free < _FULL:
            return f"the disk of {place} has {say_size(disk.free)} free"
        if has_no_inodes(disk.place):
            return f"the disk of {place} has no inode left for another file"
    return ""


def has_no_inodes(place: Path) -> bool:
    """Return whether a disk that counts its inodes has none left."""
    existing = next(each for each in (place, *place.parents) if each.exists())
    about = os.statvfs(existing)
    return about.f_files > 0 and about.f_favail == 0


@dataclass
class DiskWatch:
    """Watches the disks of ``places``, to which a probe writes, and how many bytes it ``used`` of them.

    ``trouble`` becomes the first fault of these disks. A probe that takes more than ``limit`` bytes, or nearly all that
    was free when it began, is at fault itself.
    """

    places: Sequence[Path]
    limit: int
    used: Callable[[], int]
    trouble: str = ""

    def __post_init__(self) -> None:
        self.free = min((disk_at(place).free for place in self.places), default=self.limit)

    def check(self, more: int = 0) -> None:
        """Check once; ``more`` bytes are used beside those that ``used`` sees.

        Raises :class:`ExceededError` if the probe takes too much.
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
        """Return the fault of the disks that was seen, or that there is now, as a clause."""
        return self.trouble or disk_trouble(self.places)
