"""Give a probe a copy of the release's files that it can change, without changing the release's folder.

If Linux allows it, an overlay is mounted: the release's folder is the lower layer, which the kernel never writes to,
and the probe's changes are in another folder. The cost of a probe is then proportional to its changes, not to the size
of the project. The mount is in a separate mount namespace, held by a helper process, and disappears with that process,
even if the session is killed. Users other than root also need a user namespace, in which Linux 5.11 and later mounts
overlays.

Elsewhere the files are copied, each as a reflink if the file system supports them (Btrfs, XFS, bcachefs): a reflink
shares its blocks until one of both files is changed. Hard links are not used, as a write to one changes the other.

See https://docs.kernel.org/filesystems/overlayfs.html, unshare(1), nsenter(1), ioctl_ficlone(2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sessions.engines.collecting import delete_folder

try:
    from fcntl import ioctl
except ImportError:  # not on this system, which has no reflinks either
    ioctl = None  # type: ignore[assignment]

# From linux/fs.h: _IOW(0x94, 9, int).
_FICLONE = 0x40049409
_MOUNT = 'cd "$0" && mount -t overlay integrand -o "$1" "$2" && echo mounted && exec cat'
_OWN_MOUNTS = ("--mount", "--propagation", "private")
# `volatile` spares the sync of all that a probe wrote when the overlay is unmounted. `redirect_dir` lets rename(2) move
# a folder of the release; only root may have it. `userxattr` is what a user namespace needs.
_ROOTS_OPTIONS = ("volatile,redirect_dir=on", "volatile", "redirect_dir=off")
_USERS_OPTIONS = ("volatile,userxattr", "userxattr")

# Runs a command in a workspace like a probe's step, after the arguments that enter its mount; returns whether it
# succeeded.
Trial = Callable[[Path, Sequence[str], Sequence[str]], bool]


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """The source of a probe: its ``folder``, and the prefix ``enter`` of commands that use it."""

    folder: Path
    enter: tuple[str, ...] = ()


class Layers(Protocol):
    """A way to give a probe the files of a release."""

    def open(self, release: Path, workspace: Path) -> AbstractContextManager[SourceView]:
        """Put the release's files into the folder ``source`` of a workspace, while the block runs."""
        ...


@dataclass(frozen=True)
class Copies:
    """Copies each file, as a reflink if the file system supports them."""

    @contextmanager
    def open(self, release: Path, workspace: Path) -> Iterator[SourceView]:
        """Copy the files."""
        source = workspace / "source"
        shutil.copytree(release, source, symlinks=True, copy_function=_clone_or_copy)
        yield SourceView(folder=source)


@dataclass(frozen=True, kw_only=True)
class OverlayMounts:
    """Mounts overlays under the folder ``home``, which holds both releases and workspaces.

    ``unshare`` and ``nsenter`` are the options of these programs for the namespaces that this user may make.
    """

    home: Path
    unshare: tuple[str, ...]
    nsenter: tuple[str, ...]
    options: str

    @contextmanager
    def open(self, release: Path, workspace: Path) -> Iterator[SourceView]:
        """Mount an overlay. Raises :class:`OSError` if that fails."""
        layers, source = layers_of(workspace).resolve(), workspace.resolve() / "source"
        for folder in (layers / "upper", layers / "work", source):
            folder.mkdir(parents=True)
        # Relative to the home folder, whose path may hold commas and colons.
        lower, upper, work = (
            each.relative_to(self.home) for each in (release.resolve(), layers / "upper", layers / "work")
        )
        options = f"{self.options},lowerdir={lower},upperdir={upper},workdir={work}"
        helper = subprocess.Popen(
            ["unshare", *self.unshare, "sh", "-c", _MOUNT, str(self.home), options, str(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            if helper.stdout is None or helper.stdout.readline() != b"mounted\n":
                raise OSError(0, _failure(helper))
            yield SourceView(
                folder=Path(f"/proc/{helper.pid}/root") / source.relative_to("/"),
                enter=("nsenter", "--target", str(helper.pid), *self.nsenter),
            )
        finally:
            # `cat` ends where its input does.
            helper.communicate()
            delete_folder(layers)


def layers_of(workspace: Path) -> Path:
    """Return the folder beside a workspace that holds an overlay's changes; a probe in a jail cannot see it."""
    return workspace.with_name(f"{workspace.name}.layers")


def find_layers(home: Path, trial: Trial) -> Layers:
    """Return the cheapest way that works under the folder ``home``, as a trial shows."""
    if not all(map(shutil.which, ("unshare", "nsenter", "mount"))):
        return Copies()
    home.mkdir(parents=True, exist_ok=True)
    ways = [] if os.geteuid() else list(roots_overlays(home))
    return next((layers for layers in (*ways, *users_overlays(home)) if _works(layers, trial)), Copies())


def roots_overlays(home: Path) -> Iterator[OverlayMounts]:
    """Yield the overlays that root may mount, the best one first."""
    for options in _ROOTS_OPTIONS:
        yield OverlayMounts(home=home.resolve(), unshare=_OWN_MOUNTS, nsenter=("--mount",), options=options)


def users_overlays(home: Path) -> Iterator[OverlayMounts]:
    """Yield the overlays that any user may mount in a user namespace, the best one first."""
    unshare = ("--user", "--map-current-user", "--keep-caps", *_OWN_MOUNTS)
    nsenter = ("--user", "--preserve-credentials", "--mount")
    for options in _USERS_OPTIONS:
        yield OverlayMounts(home=home.resolve(), unshare=unshare, nsenter=nsenter, options=options)


def _works(layers: OverlayMounts, trial: Trial) -> bool:
    """Return whether a command can change and delete a release's files, and the release stays as it is."""
    with tempfile.TemporaryDirectory(dir=layers.home, prefix="trial-") as scratch:
        release, workspace = Path(scratch) / "release", Path(scratch) / "workspace"
        (release / "folder").mkdir(parents=True)
        for name in ("changed", "folder/deleted"):
            (release / name).write_text("of the release\n", encoding="ascii")
        command = ["sh", "-c", 'cd "$0" && echo new > changed && rm -r folder', str(workspace.resolve() / "source")]
        with suppress(OSError), layers.open(release, workspace) as view:
            succeeded = trial(workspace, view.enter, command)
            changed = (view.folder / "changed").read_text(encoding="ascii") == "new\n"
            is_kept = (release / "folder" / "deleted").is_file() and (release / "changed").stat().st_size > len("new\n")
            return succeeded and changed and not (view.folder / "folder").exists() and is_kept
    return False


def _clone_or_copy(source: str, target: str) -> str:
    try:
        with Path(source).open("rb") as old, Path(target).open("xb") as new:
            ioctl(new.fileno(), _FICLONE, old.fileno())
    except (OSError, TypeError):
        return str(shutil.copy2(source, target))
    shutil.copystat(source, target)
    return target


def _failure(helper: subprocess.Popen[bytes]) -> str:
    """Return why an overlay was not mounted: what ``mount`` says after its colons."""
    _, errors = helper.communicate()
    lines = [
        line for line in errors.decode("utf-8", "replace").splitlines() if line.startswith(("mount: ", "unshare: "))
    ]
    return lines[-1].rpartition(": ")[2].rstrip(".") if lines else "an overlay cannot be mounted"
