"""What the processes of a probe take, as Linux tells in ``/proc``: memory, and files without a name."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What some processes take together, in bytes; ``unnamed`` is in files that were deleted while open."""

    memory: int
    unnamed: int


def namespace_of(process: int) -> str:
    """Return the name of the namespace of processes that a process is in; empty where it is gone."""
    return _namespace(_PROC / str(process))


def in_namespace(namespace: str) -> list[Path]:
    """Return the folders of the processes in a namespace."""
    return [place for place in _processes() if namespace and _namespace(place) == namespace]


def in_session(session: int) -> list[Path]:
    """Return the folders of the processes in a session, see setsid(2)."""
    return [place for place in _processes() if _session(place) == session]


def kill_jails(folder: Path) -> None:
    """Kill what is left of the jails that were given folders below ``folder`` to write to.

    Bubblewrap's process 1 waits for ever where its parent is killed while it makes the jail; no command runs there yet.
    """
    mark = b"\0--bind\0" + os.fsencode(folder) + b"/"
    for place in _processes():
        with suppress(OSError):
            if mark in (place / "cmdline").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)


def usage_of(places: list[Path], most: int) -> Usage:
    """Return what processes take, by their folders in /proc.

    Memory that several share is counted once where it would else be more than ``most``: telling that takes long.
    """
    memory = sum(map(_resident, places))
    if memory > most:
        memory = sum(map(_proportional, places))
    return Usage(memory=memory, unnamed=_unnamed(places))


def _processes() -> Iterator[Path]:
    return (place for place in _PROC.iterdir() if place.name.isdecimal())


def _namespace(place: Path) -> str:
    try:
        return str((place / "ns" / "pid").readlink())
    except OSError:  # it is gone, or somebody else's
        return ""


def _session(place: Path) -> int:
    try:
        # After the name, which may hold anything: state, parent, group, session (proc_pid_stat(5)).
        return int((place / "stat").read_bytes().rpartition(b")")[2].split()[3])
    except (OSError, IndexError):
        return 0


def _resident(place: Path) -> int:
    try:
        return int((place / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(place: Path) -> int:
    """The memory of a process, of which what several share is counted in parts (proc_pid_smaps_rollup(5))."""
    try:
        lines = (place / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _unnamed(processes: list[Path]) -> int:
    sizes: dict[tuple[int, int], int] = {}
    for place in processes:
        try:
            with os.scandir(place / "fd") as files:
                for about in map(os.DirEntry.stat, files):
                    if stat.S_ISREG(about.st_mode) and not about.st_nlink:
                        sizes[about.st_dev, about.st_ino] = about.st_blocks * 512
        except OSError:
            continue
    return sum(sizes.values())
