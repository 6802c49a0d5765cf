"""The folders of the local engine, and the jail that keeps its probes from the rest of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sessions.engines.bounds import Bounds
from sessions.engines.collecting import delete_folder
from sessions.engines.local.jail import Jail, find_jail
from sessions.engines.local.layers import Layers, find_layers
from sessions.engines.local.process_limit import remove_groups
from sessions.engines.local.processes import kill_jails
from sessions.engines.machine import memory_size
from sessions.settings.configuration import EngineSettings
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class Confinement:
    """The jail and the layers of probes under a state folder. Without ``jailed``, there is no jail."""

    state: Path
    settings: EngineSettings
    jailed: bool = True

    @cached_property
    def bounds(self) -> Bounds:
        """The bounds of probes on this machine."""
        return Bounds.of(self.settings, memory_size())

    @property
    def probes(self) -> Path:
        """The folder that holds the folders of probes while they run."""
        return self.state / "local" / "probes"

    def release(self, fingerprint: str) -> Path:
        """Return the folder of a release."""
        return self.state / "local" / f"release-{fingerprint}"

    @property
    def jail(self) -> Jail | None:
        """The jail of probes; ``None`` if there is none."""
        return self._found_jail[0]

    @property
    def exposure(self) -> str:
        """Why there is no jail; empty if there is one."""
        return self._found_jail[1]

    @cached_property
    def layers(self) -> Layers:
        """How probes get the files of a release."""
        return find_layers(self.state / "local", self._try)

    def clean_up(self) -> None:
        """Delete what a killed call left behind."""
        kill_jails(self.probes.resolve())
        delete_folder(self.probes)
        for name in ("trial-*", "*.half"):
            for folder in self.probes.parent.glob(name):
                delete_folder(folder)
        remove_groups()

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """Make a folder for one probe, and delete it at the end."""
        self.probes.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.probes, prefix="tmp"))
        try:
            yield folder
        finally:
            delete_folder(folder)

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise errors of the disk as :class:`InfrastructureError`."""
        try:
            yield
        except shutil.Error as error:  # of a whole folder: for each file source, target and reason, as text
            raise _unusable(self.state, re.sub(r"^\[\w+ \d+\] |: '.*", "", str(error.args[0][0][2]))) from None
        except OSError as error:
            raise _unusable(self.state, error.strerror or str(error)) from None

    @cached_property
    def _found_jail(self) -> tuple[Jail | None, str]:
        return find_jail(self.state, self.bounds) if self.jailed else (None, "no jail is requested")

    def _try(self, workspace: Path, enter: Sequence[str], command: Sequence[str]) -> bool:
        """Run a command in a workspace like a probe's step; return whether it succeeded."""
        with Path(os.devnull).open("wb") as unread:
            if self.jail is None:
                return not subprocess.run([*enter, *command], stdout=unread, stderr=unread, check=False).returncode
            with self.jail.filter() as filter_:
                arguments = self.jail.words(workspace, command, status=unread.fileno(), filter_=filter_)
                files = [unread.fileno(), filter_]
                done = subprocess.run([*enter, *arguments], stdout=unread, stderr=unread, pass_fds=files, check=False)
                return not done.returncode


def _unusable(state: Path, why: str) -> InfrastructureError:
    folder = state / "local"
    return InfrastructureError(f"{folder} cannot be used: {why}. Make room or use another folder with --state.")
