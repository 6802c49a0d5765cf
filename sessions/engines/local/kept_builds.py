"""The builds of candidates that are kept as folders, within ``[build] keep``.

A kept build is what a build changed: the layers of its workspace, on which other overlays are mounted.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sessions.engines.collecting import delete_folder
from sessions.engines.local.layers import CACHE
from sessions.engines.local.workspace import disk_usage
from sessions.engines.probe import Probe
from sessions.source.overlay_files import Overlay

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a probe begins with: a ``kept`` build or the release, and the files that differ from it.

    ``caches`` are the layers of its compiler caches, the upper one first.
    """

    kept: Path | None
    overlay: Overlay
    is_built: bool = False
    caches: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeptFolders:
    """The kept builds below ``home``, of at most ``limit`` bytes together; those that were used last stay longest."""

    home: Path
    limit: int
    _lent: Counter[Path] = field(default_factory=Counter, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def keep(self, candidate: str, place: Path) -> None:
        """Take the layers out of the place of a workspace that has been unmounted."""
        folder = self._folder(candidate)
        self.home.mkdir(exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=self.home, suffix=".half"))
        for name in ("rest", "source", CACHE):
            (place / name).rename(half / name)
        (half / "size").write_text(str(disk_usage(half)), encoding="ascii")
        with self._lock, suppress(OSError):  # another probe of the same candidate may have kept its own meanwhile
            half.rename(folder)
        delete_folder(half)

    @contextmanager
    def lend(self, probe: Probe, *, is_built: bool) -> Iterator[Beginning]:
        """Yield what a probe begins with, which is not removed before the block ends.

        Its compiler caches are those of the release's build. Those of another candidate's build never are among them.
        """
        own = [(probe.candidate, ())] if is_built or probe.reuse else []
        nearest = [(start.candidate, start.overlay) for start in probe.starts]
        with self._lock:
            found = ((self._folder(candidate), overlay) for candidate, overlay in (*own, *nearest))
            folder, overlay = next((each for each in found if each[0].is_dir()), (None, probe.overlay))
            is_own = folder is not None and folder == self._folder(probe.candidate)
            release = self._folder(probe.of_release.candidate)
            cached = dict.fromkeys(
                each for each in (folder if is_own else None, release) if each and (each / CACHE).is_dir()
            )
            lent = {*cached, *([folder] if folder else [])}
            self._lent.update(lent)
            for each in lent:
                os.utime(each)
        try:
            caches = tuple(each / CACHE for each in cached)
            yield Beginning(kept=folder, overlay=overlay, is_built=is_own, caches=caches)
        finally:
            with self._lock:
                self._lent.subtract(lent)
                self._trim()

    def has(self, candidate: str) -> bool:
        """Whether a candidate's build is kept."""
        return self._folder(candidate).is_dir()

    def clean_up(self) -> None:
        """Delete what was kept before this machine was started.

        The layers are not synchronised to the disk, so that a crash of the machine may leave them incomplete.
        """
        for folder in self.home.glob("*"):
            if folder.suffix or not folder.name.startswith(_boot()):
                delete_folder(folder)

    def _trim(self) -> None:
        """Delete the builds that were not used for longest, until the others are within the limit."""
        folders = sorted(self.home.glob(f"{_boot()}-????????????????"), key=lambda each: -each.stat().st_mtime)
        total = 0
        for folder in folders:
            total += int((folder / "size").read_text(encoding="ascii"))
            if total > self.limit and not self._lent[folder]:
                delete_folder(folder)

    def _folder(self, candidate: str) -> Path:
        return self.home / f"{_boot()}-{candidate}"


def _boot() -> str:
    """Identify the run of this machine's kernel."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii")[:8]
    return "unknown"
