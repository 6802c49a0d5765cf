"""Probes in plain folders of this machine.

For desks without Docker. Where bubblewrap is installed, a probe's commands run in a jail (jail.py): they have no
network, see no other process, and can write to the probe's folder alone. Where it is not, a probe's environment holds
no token and its home is empty, but nothing keeps its code from the network or from other files of the same user.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sessions.engines import Export, Listen
from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.collecting import delete_folder, find_files, outcome_of, read_file, read_files
from sessions.engines.disk_space import check_disk
from sessions.engines.local.jail import Jail, find_jail
from sessions.engines.local.process_limit import remove_groups
from sessions.engines.local.processes import kill_jails
from sessions.engines.local.shell import open_shell
from sessions.engines.local.step import SCRIPTS, LocalStepRunner
from sessions.engines.machine import DiskWatch, memory_size
from sessions.engines.probe import Image, Inspection, Outcome, Probe, Step, StepOutcome
from sessions.settings.configuration import Config
from sessions.source.overlay_files import OverlayFile
from sessions.terminal.errors import InfrastructureError

# All that a probe's commands may know of the user's environment; tokens are not among it.
_LENT = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class LocalEngine:
    """An engine of folders and subprocesses under the state folder.

    It is not ``alone`` where others use that folder too, and not ``jailed`` where even bubblewrap is not wanted.
    """

    config: Config
    state: Path
    why: str
    name: str = "local"
    registry: None = None
    alone: bool = True
    jailed: bool = True

    def __post_init__(self) -> None:
        if self.alone:
            # Of a call that was killed.
            kill_jails(self._probes.resolve())
            delete_folder(self._probes)
            remove_groups()

    @cached_property
    def bounds(self) -> Bounds:
        """What probes may take."""
        return Bounds.of(self.config.engine, memory_size())

    @property
    def jail(self) -> Jail | None:
        """What keeps probes from the rest of this machine; ``None`` where nothing does."""
        return self._found_jail[0]

    @property
    def openness(self) -> str:
        """Why there is no jail; empty where there is one."""
        return self._found_jail[1]

    @cached_property
    def _found_jail(self) -> tuple[Jail | None, str]:
        if not self.jailed:
            return None, "no jail is wanted"
        with self._writable():
            return find_jail(self.state, self.bounds)

    def room(self, release: str, source: int) -> str:  # noqa: ARG002
        """How much disk the release's folder, a candidate's and logs need, and how much there is."""
        return check_disk(None, "", self.state, 3 * source)

    def prepare(self, release: str, commit: str, tree: str, export: Export) -> Image:  # noqa: ARG002
        """The release's files in a folder, and the configured packages in a Python environment of their own."""
        self._install()
        words = (tree, sys.version, platform.platform(), *self.config.engine.packages)
        fingerprint = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
        place = self._release(fingerprint)
        if not place.exists():
            half = place.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            export(half)
            half.rename(place)
        return Image(id=f"local:{fingerprint}", name=f"{self.config.project.name} {release} in a folder")

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe in a fresh copy of the release's folder."""
        start = time.monotonic()
        with self._prepared(probe) as (place, runner):
            steps = _run_steps(probe, place, runner, listen)
            return outcome_of(probe, steps, place, self.bounds, start=start, trouble=runner.disk.find_trouble)

    def open_shell(self, probe: Probe, listen: Listen) -> None:
        """Run a probe's steps, then open a shell where they ran, with what probes find there and no more."""
        with self._prepared(probe) as (place, runner):
            _run_steps(probe, place, runner, listen)
            open_shell(runner)

    @contextmanager
    def _prepared(self, probe: Probe) -> Iterator[tuple[_Place, LocalStepRunner]]:
        """A folder with a candidate's files, and what runs steps there."""
        with self._writable(), self._room() as room:
            place = _Place(room, self.bounds)
            shutil.copytree(self._release(probe.image.id.removeprefix("local:")), place.source, symlinks=True)
            for file in probe.overlay:
                _put(place.source, file)
            before = _size(room)
            disk = DiskWatch((self.state,), self.bounds.disk, lambda: _size(room) - before)
            runner = LocalStepRunner(
                room=room,
                jail=self.jail,
                readable=(self._python,) if self.config.engine.packages else (),
                environment=self._environment(room) | probe.environment,
                bounds=self.bounds,
                disk=disk,
            )
            yield place, runner

    @contextmanager
    def _room(self) -> Iterator[Path]:
        """A folder for one probe."""
        self._probes.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(dir=self._probes, prefix="tmp"))
        try:
            yield room
        finally:
            delete_folder(room)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """What is wrong with the disk as an error of ours."""
        try:
            yield
        except shutil.Error as error:  # of a whole folder: for each file where from, where to, why, as text
            raise self._unwritable(re.sub(r"^\[\w+ \d+\] |: '.*", "", str(error.args[0][0][2]))) from None
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from None

    def _unwritable(self, why: str) -> InfrastructureError:
        place = self.state / "local"
        return InfrastructureError(f"{place} cannot be used: {why}. Make room or take another folder with --state.")

    def inspection(self, wanted: Inspection, listen: Listen) -> None:
        """There are no images here."""

    def enter(self, image: Image) -> None:
        """There is nothing to enter."""
        raise InfrastructureError(f"{image.name} is no image to look into: run with --engine docker.")

    def prune(self, *, keep: frozenset[str], before: str) -> int:  # noqa: ARG002
        """Nothing is kept of candidates."""
        return 0

    def close(self) -> None:
        """Nothing was borrowed."""

    def _environment(self, room: Path) -> dict[str, str]:
        home, scratch = room / "home", room / "tmp"
        for folder in (home, scratch, room / SCRIPTS):
            folder.mkdir()
        lent = {name: os.environ[name] for name in _LENT if name in os.environ}
        bin_ = self._python / "bin" if self.config.engine.packages else Path(sys.executable).parent
        own = {"PATH": f"{bin_}:{os.environ.get('PATH', os.defpath)}", "HOME": str(home), "TMPDIR": str(scratch)}
        return lent | own | {"INTEGRAND_RESULTS": str(room / "results")}

    @property
    def _probes(self) -> Path:
        return self.state / "local" / "probes"

    def _release(self, fingerprint: str) -> Path:
        return self.state / "local" / f"release-{fingerprint}"

    @property
    def _python(self) -> Path:
        words = "\0".join((sys.version, *self.config.engine.packages))
        return self.state / "local" / f"python-{hashlib.sha256(words.encode()).hexdigest()[:16]}"

    def _install(self) -> None:
        packages, done = self.config.engine.packages, self._python / "complete"
        if not packages or done.exists():
            return
        shutil.rmtree(self._python, ignore_errors=True)
        pip = [str(self._python / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
        for command in ([sys.executable, "-m", "venv", str(self._python)], pip):
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            if made.returncode:
                words = (made.stderr or made.stdout).strip().splitlines() or ["no word of why"]
                # After its errors, pip may give hints, and news of itself.
                words = [line for line in words if line.lower().startswith("error")] or words
                python = ".".join(map(str, sys.version_info[:2]))
                raise InfrastructureError(
                    f"[engine] packages could not be installed: {words[-1].rstrip('.')}. Mend that line of the "
                    f"configuration, or start nox with a Python that the package is for (this is {python})."
                )
        done.touch()


def _put(source: Path, file: OverlayFile) -> None:
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


@dataclass(frozen=True)
class _Place:
    """The folder of a probe; paths in what it reports count from the source."""

    room: Path
    bounds: Bounds

    @property
    def source(self) -> Path:
        return self.room / "source"

    def results(self) -> bytes | None:
        content = read_file(self.room / "results", self.bounds.results_quota)
        return None if content is None else self._from_source(content)

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        found = read_files(self.source, globs, self.bounds, quota)
        return {name: self._from_source(content) for name, content in found.items()}

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        for name in find_files(self.source, globs, self.bounds):
            try:
                (self.source / name).unlink()
            except OSError as error:
                raise ExceededError("unusable", f"{name} cannot be deleted: {error.strerror}") from None

    def _from_source(self, content: bytes) -> bytes:
        return content.replace(os.fsencode(f"{self.source}/"), b"")


def _run_steps(probe: Probe, place: _Place, runner: LocalStepRunner, listen: Listen) -> tuple[StepOutcome, ...]:
    done: list[StepOutcome] = []
    for step in probe.steps:
        done.append(_run_step(step, probe.reports if step is probe.steps[-1] else (), place, runner, listen))
        if done[-1].is_failure:
            break
    return tuple(done)


def _run_step(
    step: Step, reports: tuple[str, ...], place: _Place, runner: LocalStepRunner, listen: Listen
) -> StepOutcome:
    """Run a step without the reports that are there before it."""
    try:
        place.delete_matching(reports)
    except ExceededError as exceeded:
        return StepOutcome(name=step.name, status=1, log="").stopped(exceeded.ending, str(exceeded))
    return runner.run(step, listen)


def _size(folder: Path) -> int:
    """The bytes that a folder takes on disk; not by a walk of ours, which ends where paths are too long."""
    measured = subprocess.run(["du", "-sk", str(folder)], capture_output=True, check=False)
    return int(measured.stdout.split()[0]) * 1024 if measured.stdout.split() else 0
