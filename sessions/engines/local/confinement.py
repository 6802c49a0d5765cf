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
from functools import cached_property, partial
from pathlib import Path

from sessions.engines.bounds import Bounds, bytes_of
from sessions.engines.collecting import delete_folder
from sessions.engines.local.jail import Jail, find_jail
from sessions.engines.local.kept_builds import KeptFolders
from sessions.engines.local.layers import Layers, WorkspaceView, find_layers
from sessions.engines.local.process_limit import remove_groups
from sessions.engines.local.processes import kill_jails
from sessions.engines.machine import memory_size
from sessions.settings.configuration import Build, EngineSettings
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True)
class Confinement:
    """The jail and the layers of probes under a state folder. Without ``jailed``, there is no jail.

    Kept builds take at most ``keep``, a size as the configuration has it. ``cache`` are the variables that name the
    folders of compiler caches.
    """

    state: Path
    settings: EngineSettings
    jailed: bool = True
    keep: str = Build.keep
    cache: tuple[str, ...] = ()

    @cached_property
    def bounds(self) -> Bounds:
        """The bounds of probes on this machine."""
        return Bounds.of(self.settings, memory_size())

    @property
    def home(self) -> Path:
        """The folder of the local engine: all that its overlays use lies below it."""
        return self.state / "local"

    @property
    def probes(self) -> Path:
        """The folder that holds the folders of probes while they run."""
        return self.home / "probes"

    def release(self, fingerprint: str) -> Path:
        """Return the folder of a release."""
        return self.home / f"release-{fingerprint}"

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
        return find_layers(self.home, partial(_try, self.jail))

    @cached_property
    def builds(self) -> KeptFolders:
        """The builds of candidates that are kept."""
        return KeptFolders(home=self.home / "builds", limit=bytes_of(self.keep))

    def clean_up(self) -> None:
        """Delete what a killed call left behind, and builds of before this machine was started."""
        self.builds.clean_up()
        for folder in (self.probes, self.home / "mounted"):
            kill_jails(folder.resolve())
            delete_folder(folder)
        for name in ("trial-*", "*.half"):
            for folder in self.home.glob(name):
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


def _try(jail: Jail | None, view: WorkspaceView, command: Sequence[str]) -> bool:
    """Run a command in a workspace like a probe's step; return whether it succeeded."""
    with Path(os.devnull).open("wb") as unread:
        if jail is None:
            return not subprocess.run([*view.enter, *command], stdout=unread, stderr=unread, check=False).returncode
        with jail.filter() as filter_:
            arguments = [*view.enter, *jail.words(view.inside, command, status=unread.fileno(), filter_=filter_)]
            files = [unread.fileno(), filter_]
            return not subprocess.run(arguments, stdout=unread, stderr=unread, pass_fds=files, check=False).returncode


def _unusable(state: Path, why: str) -> InfrastructureError:
    folder = state / "local"
    return InfrastructureError(f"{folder} cannot be used: {why}. Make room or use another folder with --state.")
