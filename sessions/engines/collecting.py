"""Collect the files of a finished probe, within bounds, and build its outcome."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.probe import Outcome, Probe, StepOutcome
from sessions.source.globs import fixed_folder, matching


class ProbeFiles(Protocol):
    """The files of a finished probe. Both methods raise :class:`ExceededError`."""

    def results(self) -> bytes | None:
        """Return what the commands wrote to the file ``$INTEGRAND_RESULTS``."""
        ...

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        """Return the plain files of the source that match ``globs``, by path."""
        ...


def outcome_of(
    probe: Probe,
    steps: Sequence[StepOutcome],
    place: ProbeFiles,
    bounds: Bounds,
    *,
    start: float,
    trouble: Callable[[], str],
) -> Outcome:
    """Build the outcome of a probe that began at ``start`` on the monotonic clock.

    If it left more files than may be read, none are read, and the ending of its last step says so. ``trouble`` is
    called if the probe failed.
    """
    results: bytes | None = None
    artifacts: dict[str, bytes] = {}
    reports: dict[str, bytes] = {}
    try:
        results = place.results()
        artifacts = place.files(probe.artifacts, bounds.artifacts_quota)
        reports = place.files(probe.reports if probe.reached_last(steps) else (), bounds.reports_quota)
    except ExceededError as exceeded:
        steps = (*steps[:-1], steps[-1].stopped(exceeded.ending, str(exceeded)))
        results, artifacts, reports = None, {}, {}
    return Outcome(
        steps=tuple(steps),
        results=results,
        artifacts=artifacts,
        reports=reports,
        seconds=time.monotonic() - start,
        trouble=trouble() if steps[-1].is_failure else "",
    )


def find_files(source: Path, globs: tuple[str, ...], bounds: Bounds) -> tuple[str, ...]:
    """Return the paths of the files and links in ``source`` that match ``globs``; links are not followed.

    Raises :class:`ExceededError` if there are more files than may be searched.
    """
    found: set[str] = set()
    for folder in {fixed_folder(glob) for glob in globs}:
        for path in _walk(source, folder, bounds):
            found.add(path)
            bounds.check_search(len(found))
    return matching(globs, found)


def read_files(source: Path, globs: tuple[str, ...], bounds: Bounds, quota: Quota) -> dict[str, bytes]:
    """Return the plain files in ``source`` that match ``globs``. Raises :class:`ExceededError`."""
    found: dict[str, bytes] = {}
    size = 0
    for name in find_files(source, globs, bounds):
        content = read_file(source / name, quota, size)
        if content is None:
            continue
        bounds.check_path(name)
        size += len(content)
        found[name] = content
        quota.check(len(found), size)
    return found


def read_file(path: Path, quota: Quota, before: int = 0) -> bytes | None:
    """Return the content of a plain file, or ``None`` if it is not one.

    ``before`` is how many bytes of its kind were read already. Raises :class:`ExceededError` if it is too large.
    """
    try:
        # A pipe must not block, and a link not be followed.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        os.close(file)
        return None
    with os.fdopen(file, "rb") as stream:
        quota.check(1, before + about.st_size)
        return stream.read(quota.size - before + 1)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder; replace files and folders of an earlier run that are in the way."""
    for name, content in files.items():
        place = folder / name
        for parent in [folder / parent for parent in reversed(PurePosixPath(name).parents)]:
            if parent.is_symlink() or parent.is_file():
                parent.unlink()
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            delete_folder(place)
        place.write_bytes(content)


def delete_folder(folder: Path) -> None:
    """Delete a folder, if it exists, even if it is very deep or has files without permissions."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except (OSError, RecursionError):
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):  # these programs have no limit on paths
            subprocess.run([*command, "--", str(folder)], stderr=subprocess.DEVNULL, check=False)


def _walk(source: Path, folder: str, bounds: Bounds) -> Iterator[str]:
    """Yield the paths of all files and links in a folder of the source."""
    waiting = [] if _leads_through_link(source, folder) else [folder]
    while waiting:
        here = waiting.pop()
        bounds.check_path(f"{here}/")
        try:
            entries = os.scandir(source / here)
        except OSError:  # missing, or not readable
            continue
        with entries:
            for entry in entries:
                path = f"{here}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    yield path


def _leads_through_link(source: Path, folder: str) -> bool:
    parts = (folder, *map(str, PurePosixPath(folder).parents))
    try:
        return any((source / part).is_symlink() for part in parts)
    except OSError:  # no permission to enter
        return True
