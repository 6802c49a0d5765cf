"""The folder of one local probe: its source, home, scratch space, scripts and results."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.collecting import find_files, read_file, read_files
from sessions.engines.local.layers import CACHE, Layers, Lowers, WorkspaceView
from sessions.source.overlay_files import OverlayFile

# The one folder that a probe's commands cannot write to: a link there would redirect what we write.
SCRIPTS = "scripts"


@dataclass(frozen=True)
class Workspace:
    """The workspace of a probe, as ``view`` shows it; paths in what it reports count from the source.

    What is written there, lies in the folder ``place``.
    """

    place: Path
    view: WorkspaceView
    bounds: Bounds
    cache: tuple[str, ...] = ()

    @classmethod
    @contextmanager
    def of(
        cls, place: Path, lowers: Lowers, layers: Layers, bounds: Bounds, cache: tuple[str, ...] = ()
    ) -> Iterator[Workspace]:
        """Make a workspace in an empty folder, while the block runs, with folders for the variables in ``cache``."""
        with layers.open(lowers, place) as view:
            for name in ("home", "tmp", SCRIPTS, CACHE, *(f"{CACHE}/{each}" for each in cache)):
                if not os.path.lexists(view.folder / name):  # what is kept may have a link there
                    (view.folder / name).mkdir()
            yield cls(place, view, bounds, cache)

    @property
    def folder(self) -> Path:
        """The workspace, where this process finds it."""
        return self.view.folder

    @property
    def source(self) -> Path:
        """The source, as the probe's commands see it."""
        return self.view.inside / "source"

    def environment(self) -> dict[str, str]:
        """Return the variables that name the workspace's folders to commands."""
        home, scratch, results = (str(self.view.inside / name) for name in ("home", "tmp", "results"))
        caches = {name: str(self.view.inside / CACHE / name) for name in self.cache}
        return {"HOME": home, "TMPDIR": scratch, "INTEGRAND_RESULTS": results, **caches}

    def size(self) -> int:
        """Return the bytes on disk of all that was written; of a mounted overlay, without the release's files."""
        return disk_usage(self.place)

    def results(self) -> bytes | None:
        """Return what the commands wrote to ``$INTEGRAND_RESULTS``. Raises :class:`ExceededError`."""
        content = read_file(self.folder / "results", self.bounds.results_quota)
        return None if content is None else self._from_source(content)

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        """Return the plain files of the source that ``globs`` name, by path. Raises :class:`ExceededError`."""
        found = read_files(self.view.source, globs, self.bounds, quota)
        return {name: self._from_source(content) for name, content in found.items()}

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        """Delete the files and links of the source that ``globs`` name. Raises :class:`ExceededError`."""
        for name in find_files(self.view.source, globs, self.bounds):
            try:
                (self.view.source / name).unlink()
            except OSError as error:
                raise ExceededError("unusable", f"{name} cannot be deleted: {error.strerror}") from None

    def _from_source(self, content: bytes) -> bytes:
        return content.replace(os.fsencode(f"{self.source}/"), b"")


def disk_usage(folder: Path) -> int:
    """Return the bytes on disk of a folder. ``du`` is used, as it has no limit on the length of a path."""
    measured = subprocess.run(["du", "-sk", str(folder)], capture_output=True, check=False)
    lines = measured.stdout.splitlines()
    return int(lines[-1].split()[0]) * 1024 if lines else 0


def put_file(source: Path, file: OverlayFile) -> None:
    """Write one file of an overlay to the folder ``source``, or delete it there.

    A folder that a kept build has replaced by a link, which may lead anywhere, becomes a folder again.
    """
    place = source / file.path
    for parent in [source / parent for parent in reversed(PurePosixPath(file.path).parents[:-1])]:
        if parent.is_symlink() or parent.is_file():
            if file.content is None:
                return
            parent.unlink()
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    if file.content is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if file.is_folder:
        place.mkdir()
        return
    if file.mode == 0o120000:
        place.symlink_to(os.fsdecode(file.content))
        return
    place.write_bytes(file.content)
    place.chmod(file.mode & 0o777)
