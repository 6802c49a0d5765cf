"""Probes in plain folders of this machine.

For desks without Docker, and for projects whose tickets are trusted: a probe's environment holds no token and its
home is empty, but nothing keeps its code from the network or from other files of the same user.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sessions.config import Config
from sessions.engines import Export, Listen
from sessions.engines.disk import weigh_run
from sessions.engines.probe import Ending, Image, Inspection, Outcome, Probe, Step, StepOutcome
from sessions.errors import InfrastructureError
from sessions.globs import matching
from sessions.source.overlay_files import OverlayFile

# All that a probe's commands may know of the user's environment; tokens are not among it.
_LENT = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class LocalEngine:
    """An engine of folders and subprocesses under the state folder; not ``alone`` where others use that folder too."""

    config: Config
    state: Path
    why: str
    name: str = "local"
    registry: None = None
    alone: bool = True

    def __post_init__(self) -> None:
        if self.alone:
            shutil.rmtree(self._probes, ignore_errors=True)  # of a call that was killed

    def room(self, release: str, source: int) -> str:  # noqa: ARG002
        """How much disk the release's folder, a candidate's and logs need, and how much there is."""
        return weigh_run(None, "", self.state, 3 * source)

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
        self._probes.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._probes, ignore_cleanup_errors=True) as name:
            room = Path(name)
            source = room / "source"
            shutil.copytree(self._release(probe.image.id.removeprefix("local:")), source, symlinks=True)
            for file in probe.overlay:
                _put(source, file)
            steps = self._steps(probe, room, listen)
            results = room / "results"
            return Outcome(
                steps=steps,
                results=results.read_bytes().replace(os.fsencode(f"{source}/"), b"") if results.is_file() else None,
                artifacts=_collect(source, probe.artifacts),
                seconds=time.monotonic() - start,
            )

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

    def _steps(self, probe: Probe, room: Path, listen: Listen) -> tuple[StepOutcome, ...]:
        done: list[StepOutcome] = []
        environment = self._environment(room) | probe.environment
        for step in probe.steps:
            done.append(_run(step, room, environment, listen))
            if done[-1].status:
                break
        return tuple(done)

    def _environment(self, room: Path) -> dict[str, str]:
        home, scratch = room / "home", room / "tmp"
        home.mkdir(exist_ok=True)
        scratch.mkdir(exist_ok=True)
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
                raise InfrastructureError(f"[engine] packages could not be installed: {words[-1]}")
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


def _run(step: Step, room: Path, environment: dict[str, str], listen: Listen) -> StepOutcome:
    # A script, not `sh -c`: one argument may hold 128 KiB, and Sage's list of files is longer.
    script = room / f"{step.name}.sh"
    script.write_text(step.command + "\n", encoding="utf-8", errors="surrogateescape")
    process = subprocess.Popen(
        ["sh", str(script)],
        cwd=room / "source",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    log: list[str] = []
    reader = threading.Thread(target=_read, args=(process, log, listen, f"{room / 'source'}/"), daemon=True)
    reader.start()
    ending: Ending = "exited"
    try:
        process.wait(step.timeout)
    except subprocess.TimeoutExpired:
        ending = "timeout"
    finally:
        _kill_group(process)
        process.wait()
        reader.join(5)
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return StepOutcome(name=step.name, status=status, log="".join(log), ending=ending)


def _read(process: subprocess.Popen[bytes], log: list[str], listen: Listen, source: str) -> None:
    """Read until the end; paths count from the source, so that a failure reads the same in any folder."""
    assert process.stdout is not None  # noqa: S101  it was asked for
    with process.stdout as stream:
        for raw in stream:
            line = raw.decode("utf-8", "replace").replace(source, "")
            log.append(line)
            listen(line)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever the command left running in the background, too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _collect(source: Path, globs: tuple[str, ...]) -> dict[str, bytes]:
    if not globs:
        return {}
    files = (path for path in source.rglob("*") if path.is_file() and not path.is_symlink())
    inside = {
        path.relative_to(source).as_posix(): path for path in files if path.resolve().is_relative_to(source.resolve())
    }
    return {name: inside[name].read_bytes() for name in matching(globs, inside)}
