"""The Python of local probes: the session's own, or an environment with the configured packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class PythonEnvironment:
    """A virtual environment in the folder ``home`` with ``packages``; without any, the session's Python is used.

    ``until`` is a day in ISO 8601, or empty: uv, if it is on the PATH, installs what was uploaded up to then.
    """

    home: Path
    packages: tuple[str, ...]
    until: str = ""

    @property
    def folder(self) -> Path:
        """The folder of the virtual environment, named after its Python and packages."""
        return self.home / f"python-{hashlib.sha256(chr(0).join(self.inputs).encode()).hexdigest()[:16]}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the environment depends on."""
        return (sys.version, *self.packages, *([f"until {self.until}"] if self._dated_uv else []))

    @cached_property
    def _dated_uv(self) -> str | None:
        """The path of uv, if it is needed and here."""
        return shutil.which("uv") if self.until and self.packages else None

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
        for command in ([sys.executable, "-m", "venv", str(self.folder)], self._installer()):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                later = ", set a later day as packages_until" if self._dated_uv else ""
                raise InfrastructureError(
                    f"[engine] packages could not be installed: {_error_line(done)}. Mend that line of the "
                    f"configuration{later}, or start nox with a Python that the package is for (this is "
                    f"{'.'.join(map(str, sys.version_info[:2]))})."
                )
        complete.touch()

    def _installer(self) -> list[str]:
        """Return the command that installs the packages into the environment."""
        python = str(self.folder / "bin" / "python")
        if self._dated_uv:
            dated = ["--exclude-newer", f"{self.until}T23:59:59Z"]
            return [
                self._dated_uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                python,
                *dated,
                *self.packages,
            ]
        return [python, "-m", "pip", "install", "--quiet", *self.packages]


def _error_line(done: subprocess.CompletedProcess[str]) -> str:
    lines: Sequence[str] = (done.stderr or done.stdout).strip().splitlines() or ["no reason is known"]
    # After its errors, pip may print hints, and news of itself.
    errors = [line for line in lines if line.lower().startswith("error")] or lines
    return errors[-1].rstrip(".")
