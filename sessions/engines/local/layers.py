"""Give a probe a copy of the release's files that it can change, without changing the release's folder.

If Linux allows it, an overlay is mounted: the release's folder is the lower layer, which the kernel never writes to,
and the probe's changes are in another folder. The cost of a probe is then proportional to its changes, not to the size
of the project. The mount is in a separate mount namespace, held by a helper process, and disappears with that process,
even if the session is killed. Users other than root also need a user namespace, in which Linux 5.11 and later mounts
overlays.

In its namespace, each probe's workspace has the same path. So a build holds the same paths wherever it ran, and a kept
build can be the lower layer of another probe.

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
from typing import ClassVar, Protocol

try:
    from fcntl import ioctl
except ImportError:  # not on this system, which has no reflinks either
    ioctl = None  # type: ignore[assignment]

# From linux/fs.h: _IOW(0x94, 9, int).
_FICLONE = 0x40049409
# $1 is for the workspace, $2 for its source, $3 for its compiler caches: a folder to bind there, or the options of an
# overlay.
_MOUNT = """
cd "$0" || exit
put() {
    case $1 in
        *upperdir=*) mount -t overlay integrand -o "$1" "$2" ;;
        *) mount --bind "$1" "$2" ;;
    esac
}
put "$1" mounted/probe && put "$2" mounted/probe/source && put "$3" mounted/probe/cache && echo mounted && exec cat
"""
# The folder of compiler caches in a workspace.
CACHE = "cache"
_OWN_MOUNTS = ("--mount", "--propagation", "private")
# `volatile` spares the sync of all that a probe wrote when the overlay is unmounted. `redirect_dir` lets rename(2) move
# a folder of the release; only root may have it. `userxattr` is what a user namespace needs.
_ROOTS_OPTIONS = ("volatile,redirect_dir=on", "volatile", "redirect_dir=off")
_USERS_OPTIONS = ("volatile,userxattr", "userxattr")


@dataclass(frozen=True, kw_only=True)
class Lowers:
    """The folders that a workspace begins with, and does not change.

    They are the release's files, a whole workspace that is ``kept``, where layers can do that (``stacks``), and the
    layers of its compiler caches, the upper one first.
    """

    release: Path
    kept: Path | None = None
    caches: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WorkspaceView:
    """A workspace: the ``folder`` where this process finds it, the one ``inside`` where its commands do.

    ``enter`` is the prefix of commands that use it.
    """

    folder: Path
    inside: Path
    enter: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """The source, where this process finds it."""
        return self.folder / "source"


# Runs a command in a workspace like a probe's step; returns whether it succeeded.
Trial = Callable[[WorkspaceView, Sequence[str]], bool]


class Layers(Protocol):
    """A way to give a probe the files of a release."""

    def open(self, lowers: Lowers, place: Path) -> AbstractContextManager[WorkspaceView]:
        """Make a workspace in the folder ``place``, with the release's files in ``source``, while the block runs."""
        ...

    @property
    def stacks(self) -> bool:
        """Whether a kept workspace can be the beginning of others, which do not change it."""
        ...


@dataclass(frozen=True)
class Copies:
    """Copies each file, as a reflink if the file system supports them."""

    stacks: ClassVar[bool] = False

    @contextmanager
    def open(self, lowers: Lowers, place: Path) -> Iterator[WorkspaceView]:
        """Copy the files."""
        assert lowers.kept is None  # noqa: S101  a copy cannot begin with another one
        shutil.copytree(lowers.release, place / "source", symlinks=True, copy_function=_clone_or_copy)
        yield WorkspaceView(folder=place, inside=place)


@dataclass(frozen=True, kw_only=True)
class OverlayMounts:
    """Mounts overlays under the folder ``home``, which holds both releases and workspaces.

    ``unshare`` and ``nsenter`` are the options of these programs for the namespaces that this user may make.
    """

    home: Path
    unshare: tuple[str, ...]
    nsenter: tuple[str, ...]
    options: str
    stacks: ClassVar[bool] = True

    @contextmanager
    def open(self, lowers: Lowers, place: Path) -> Iterator[WorkspaceView]:
        """Mount overlays. Raises :class:`OSError` if that fails.

        The changes to the source are in the folder ``source`` of ``place``, those to compiler caches in ``cache``, and
        those to the rest of the workspace in ``rest``.
        """
        inside = self.home / "mounted" / "probe"
        # As folders of the upper layer, the places to mount at are no links that a kept build has left.
        places = ("rest/source", f"rest/{CACHE}", *(f"{name}-work" for name in ("rest", "source", CACHE)))
        for folder in (inside, *(place / name for name in (*places, "source", CACHE))):
            folder.mkdir(parents=True, exist_ok=True)
        kept = (lowers.kept,) if lowers.kept else ()
        mounts = (
            self._overlay(place, "rest", *(each / "rest" for each in kept)),
            self._overlay(place, "source", *(each / "source" for each in kept), lowers.release),
            self._overlay(place, CACHE, *lowers.caches),
        )
        helper = subprocess.Popen(
            ["unshare", *self.unshare, "sh", "-c", _MOUNT, str(self.home), *mounts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            if helper.stdout is None or helper.stdout.readline() != b"mounted\n":
                raise OSError(0, _failure(helper))
            yield WorkspaceView(
                folder=Path(f"/proc/{helper.pid}/root") / inside.relative_to("/"),
                inside=inside,
                enter=("nsenter", "--target", str(helper.pid), *self.nsenter),
            )
        finally:
            # `cat` ends where its input does.
            helper.communicate()

    def _overlay(self, place: Path, name: str, *lowers: Path) -> str:
        """Return the options of the overlay whose changes are in the folder ``name`` of ``place``.

        Without a lower layer, return that folder.
        """
        if not lowers:
            return str(self._relative(place / name))
        lower = ":".join(map(str, map(self._relative, lowers)))
        upper, work = self._relative(place / name), self._relative(place / f"{name}-work")
        return f"{self.options},lowerdir={lower},upperdir={upper},workdir={work}"

    def _relative(self, folder: Path) -> Path:
        """Return a path relative to the home folder, whose own path may hold commas and colons."""
        return folder.resolve().relative_to(self.home)


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
        release, place = Path(scratch) / "release", Path(scratch) / "place"
        (release / "folder").mkdir(parents=True)
        for name in ("changed", "folder/deleted"):
            (release / name).write_text("of the release\n", encoding="ascii")
        command = ["sh", "-c", 'cd "$0" && echo new > changed && rm -r folder']
        with suppress(OSError), layers.open(Lowers(release=release), place) as view:
            succeeded = trial(view, [*command, str(view.inside / "source")])
            changed = (view.source / "changed").read_text(encoding="ascii") == "new\n"
            is_kept = (release / "folder" / "deleted").is_file() and (release / "changed").stat().st_size > len("new\n")
            return succeeded and changed and not (view.source / "folder").exists() and is_kept
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
