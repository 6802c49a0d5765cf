"""The folder of one local probe: its source, home, scratch space, scripts and results."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.collecting import find_files, read_file, read_files
from sessions.engines.local.layers import Layers, SourceView, layers_of
from sessions.source.overlay_files import OverlayFile

# The one folder that a probe's commands cannot write to: a link there would redirect what we write.
SCRIPTS = "scripts"


@dataclass(frozen=True)
class Workspace:
    """A folder with the source of a probe, as ``view`` shows it; paths in what it reports count from the source."""

    folder: Path
    view: SourceView
    bounds: Bounds

    @classmethod
    @contextmanager
    def of(cls, folder: Path, release: Path, layers: Layers, bounds: Bounds) -> Iterator[Workspace]:
        """Fill an empty folder with what a probe needs, while the block runs."""
        for name in ("home", "tmp", SCRIPTS):
            (folder / name).mkdir()
        with layers.open(release, folder) as view:
            yield cls(folder, view, bounds)

    @property
    def source(self) -> Path:
        """The source, as the probe's commands see it."""
        return self.folder / "source"

    def environment(self) -> dict[str, str]:
        """Return the variables that name the workspace's folders to commands."""
        home, scratch, results = (str(self.folder / name) for name in ("home", "tmp", "results"))
        return {"HOME": home, "TMPDIR": scratch, "INTEGRAND_RESULTS": results}

    def size(self) -> int:
        """Return the bytes on disk of all that was written; of a mounted overlay, without the release's files.

        ``du`` is used, as it has no limit on the length of a path.
        """
        folders = [str(folder) for folder in (self.folder, layers_of(self.folder)) if folder.exists()]
        measured = subprocess.run(["du", "-skc", *folders], capture_output=True, check=False)
        lines = measured.stdout.splitlines()
        return int(lines[-1].split()[0]) * 1024 if lines else 0

    def results(self) -> bytes | None:
        """Return what the commands wrote to ``$INTEGRAND_RESULTS``. Raises :class:`ExceededError`."""
        content = read_file(self.folder / "results", self.bounds.results_quota)
        return None if content is None else self._from_source(content)

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        """Return the plain files of the source that ``globs`` name, by path. Raises :class:`ExceededError`."""
        found = read_files(self.view.folder, globs, self.bounds, quota)
        return {name: self._from_source(content) for name, content in found.items()}

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        """Delete the files and links of the source that ``globs`` name. Raises :class:`ExceededError`."""
        for name in find_files(self.view.folder, globs, self.bounds):
            try:
                (self.view.folder / name).unlink()
            except OSError as error:
                raise ExceededError("unusable", f"{name} cannot be deleted: {error.strerror}") from None

    def _from_source(self, content: bytes) -> bytes:
        return content.replace(os.fsencode(f"{self.source}/"), b"")


def put_file(source: Path, file: OverlayFile) -> None:
    """Write one file of an overlay to the folder ``source``, or delete it there."""
    place = source / file.path
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
