"""The Python of local probes: the session's own, or an environment with the configured packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class PythonEnvironment:
    """A virtual environment in the folder ``home`` with ``packages``; without any, the session's Python is used."""

    home: Path
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The folder of the virtual environment, named after its Python and packages."""
        inputs = "\0".join((sys.version, *self.packages))
        return self.home / f"python-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"

    @property
    def programs(self) -> Path:
        """The folder of ``python`` and of the packages' programs."""
        return self.folder / "bin" if self.packages else Path(sys.executable).parent

    @property
    def readable(self) -> tuple[Path, ...]:
        """Folders that a jail must show to probes."""
        return (self.folder,) if self.packages else ()

    def install(self) -> None:
        """Make the environment unless it is complete. Raises :class:`InfrastructureError` if pip fails."""
        complete = self.folder / "complete"
        if not self.packages or complete.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *self.packages]
        for command in ([sys.executable, "-m", "venv", str(self.folder)], pip):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise InfrastructureError(
                    f"[engine] packages could not be installed: {_error_line(done)}. Mend that line of the "
                    "configuration, or start nox with a Python that the package is for (this is "
                    f"{'.'.join(map(str, sys.version_info[:2]))})."
                )
        complete.touch()


def _error_line(done: subprocess.CompletedProcess[str]) -> str:
    lines: Sequence[str] = (done.stderr or done.stdout).strip().splitlines() or ["no reason is known"]
    # After its errors, pip may print hints, and news of itself.
    errors = [line for line in lines if line.lower().startswith("error")] or lines
    return errors[-1].rstrip(".")
