"""Measure the memory and the deleted but open files of a probe's processes, from Linux's ``/proc``."""

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
    """What some processes use together, in bytes; ``unnamed`` is in files that were deleted while open."""

    memory: int
    unnamed: int


def namespace_of(process: int) -> str:
    """Return the name of a process's PID namespace; empty if the process is gone."""
    return _namespace(_PROC / str(process))


def in_namespace(namespace: str) -> list[Path]:
    """Return the /proc folders of the processes in a namespace."""
    return [place for place in _processes() if namespace and _namespace(place) == namespace]


def in_session(session: int) -> list[Path]:
    """Return the /proc folders of the processes in a session, see setsid(2)."""
    return [place for place in _processes() if _session(place) == session]


def kill_jails(folder: Path) -> None:
    """Kill the remaining processes of the jails whose writable folder is below ``folder``.

    If bubblewrap's parent is killed while it makes the jail, its process 1 waits for ever, before any command runs.
    """
    mark = b"\0--bind\0" + os.fsencode(folder) + b"/"
    for place in _processes():
        with suppress(OSError):
            if mark in (place / "cmdline").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)


def usage_of(places: list[Path], most: int) -> Usage:
    """Return what processes use, by their folders in /proc.

    Shared memory is counted once only if the sum would exceed ``most``, because finding it out takes long.
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
    except OSError:  # the process is gone, or another user's
        return ""


def _session(place: Path) -> int:
    try:
        # After the name, which may contain anything: state, parent, group, session (proc_pid_stat(5)).
        return int((place / "stat").read_bytes().rpartition(b")")[2].split()[3])
    except (OSError, IndexError):
        return 0


def _resident(place: Path) -> int:
    try:
        return int((place / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(place: Path) -> int:
    """Return the memory of a process, with its proportional part of shared memory (proc_pid_smaps_rollup(5))."""
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
