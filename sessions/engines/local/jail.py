"""Run a probe's commands in a jail made by bubblewrap, which keeps them from the rest of this machine.

A command gets its own root folder, in which it can read the system's programs and write to the probe's folder, and its
own namespaces: no network, no other visible process, no capability. All its processes end with it. If root runs the
session, the commands run as root, too, but can neither see nor change root's files outside of the jail.
See bwrap(1), https://github.com/containers/bubblewrap.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.engines.bounds import Bounds
from sessions.engines.local.seccomp import refusing_filter

# Folders of programs and of settings that programs read. If one is a link, as /bin to /usr/bin, its target is bound
# under the target's name.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store")
# TeX's formats and the fonts that it knows, in Debian.
_DATA = ("/var/lib/texmf", "/var/cache/fontconfig", "/var/cache/fonts")
# As in Docker's containers: the parts of /proc that are read-only, and those that are empty.
_PROC_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_PROC_HIDDEN = (
    *("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/scsi"),
    *("/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats"),
)
_UNSHARED = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_USER = ("--unshare-user", "--disable-userns")


@dataclass(frozen=True, kw_only=True)
class Jail:
    """Bubblewrap, as it works on this machine. ``namespaces`` are the options of those that it can make."""

    program: str
    namespaces: tuple[str, ...]
    shared_memory: int
    scratch: int
    refused: bytes
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()

    def words(
        self, folder: Path, command: Sequence[str], *, status: int, filter_: int, readable: Sequence[Path] = ()
    ) -> list[str]:
        """Return the command line that runs ``command`` with ``folder`` as the only folder that it can write to.

        Folders in ``readable`` can be read beside the system's programs, and not be written even within ``folder``.
        Bubblewrap writes the id of the jail's process 1, and later the exit status, to the file descriptor ``status``,
        and reads the filter of system calls from ``filter_``.
        """
        binds: list[str] = ["--perms", "0755", "--tmpfs", "/"]
        for scratch in ("/tmp", "/var/tmp"):  # noqa: S108  those of the jail
            binds += ["--perms", "1777", "--size", str(self.scratch), "--tmpfs", scratch]
        binds += _read_only((*_SYSTEM, *_DATA))
        binds += _hide(self.hidden)
        binds += _read_only(map(str, self.readable))
        # Even without capabilities, root could change the whole machine there.
        binds += ["--proc", "/proc", *_read_only(_PROC_READ_ONLY), *_hide(filter(Path.exists, map(Path, _PROC_HIDDEN)))]
        binds += ["--dev", "/dev", "--size", str(self.shared_memory), "--tmpfs", "/dev/shm"]  # noqa: S108
        for name in _names(folder):
            binds += ["--bind", str(folder.resolve()), name]
        for place in readable:
            binds += _read_only(_names(place))
        binds += ["--remount-ro", "/", "--remount-ro", "/dev"]
        ends = ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--json-status-fd", str(status)]
        filters = ["--seccomp", str(filter_)] if self.refused else []
        return [self.program, *self.namespaces, *ends, *filters, *binds, "--chdir", "/", "--", *command]

    @contextmanager
    def filter(self) -> Iterator[int]:
        """Yield a file descriptor from which bubblewrap reads the filter of system calls."""
        with os.fdopen(os.memfd_create("refused"), "w+b") as file:
            file.write(self.refused)
            file.flush()
            file.seek(0)
            yield file.fileno()


def find_jail(state: Path, bounds: Bounds) -> tuple[Jail | None, str]:
    """Return a jail that works on this machine, or why there is none.

    The folder ``state`` is hidden from commands in the jail.
    """
    program = shutil.which("bwrap")
    if program is None:
        return None, "bubblewrap (bwrap) is not installed"
    trouble = ""
    for users in (_USER, _USER[:1], ()):
        jail = Jail(
            program=program,
            namespaces=(*users, *_UNSHARED),
            shared_memory=bounds.shared_memory,
            scratch=bounds.scratch,
            refused=refusing_filter(platform.machine()),
            readable=tuple(_python_folders()),
            hidden=(*_secrets(Path("/etc")), *_inside_system(state)),
        )
        if not (trouble := _try(jail, state)):
            return jail, ""
    return None, f"bubblewrap (bwrap) does not work here: {trouble}"


def _read_only(places: Iterable[str]) -> list[str]:
    return [word for place in places for word in ("--ro-bind-try", place, place)]


def _hide(places: Iterable[Path]) -> list[str]:
    arguments: list[str] = []
    for place in places:
        arguments += ["--tmpfs", str(place)] if place.is_dir() else ["--ro-bind", "/dev/null", str(place)]
    return arguments


def _names(place: Path) -> list[str]:
    """Return a path and, if it is a link, its target."""
    return list(dict.fromkeys((str(place.resolve()), str(place))))


def _try(jail: Jail, state: Path) -> str:
    """Try a jail; return bubblewrap's error, or an empty text if it works."""
    (state / "local").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=state / "local", prefix="trial-"))
    with Path(os.devnull).open("wb") as unread, jail.filter() as filter_:
        command = ["sh", "-c", 'test -d /proc/1 && : > "$0"', str(folder / "tried")]
        tried = subprocess.run(
            jail.words(folder, command, status=unread.fileno(), filter_=filter_),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            pass_fds=[unread.fileno(), filter_],
            check=False,
        )
    shutil.rmtree(folder)
    return " ".join(tried.stderr.split())[:200] or "no reason is known" if tried.returncode else ""


def _python_folders() -> Iterator[Path]:
    """Yield the folders of this Python and of programs on PATH that are outside of the system's folders."""
    for name in (sys.prefix, sys.base_prefix, *os.environ.get("PATH", os.defpath).split(os.pathsep)):
        for place in dict.fromkeys((Path(name), Path(name).resolve())):
            if place.is_absolute() and place.is_dir() and not any(place.is_relative_to(root) for root in _SYSTEM):
                yield place


def _secrets(folder: Path) -> Iterator[Path]:
    """Yield the paths in a folder that not everybody may read: /etc/shadow, keys."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            if mode & stat.S_IXOTH and mode & stat.S_IROTH:
                yield from _secrets(entry)
            else:
                yield entry
        elif stat.S_ISREG(mode) and not mode & stat.S_IROTH:
            yield entry


def _inside_system(state: Path) -> Iterator[Path]:
    """Yield the state folder, if it is within a folder that the jail shows."""
    here = state.resolve()
    if any(here.is_relative_to(place) for place in _SYSTEM):
        yield here
