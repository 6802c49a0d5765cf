"""The folders of the local engine, and what keeps its probes away from the rest of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sessions.engines.bounds import Bounds
from sessions.engines.collecting import delete_folder
from sessions.engines.local.jail import Jail, find_jail
from sessions.engines.local.layers import Layers, find_layers
from sessions.engines.local.process_limit import remove_groups
from sessions.engines.local.processes import kill_jails


@dataclass(frozen=True)
class Confinement:
    """The jail and the layers of probes, as they work under a state folder; no jail where not ``jailed``."""

    state: Path
    bounds: Bounds
    jailed: bool = True

    @property
    def probes(self) -> Path:
        """The folder that holds the folders of probes while they run."""
        return self.state / "local" / "probes"

    def release(self, fingerprint: str) -> Path:
        """Return the folder of a release."""
        return self.state / "local" / f"release-{fingerprint}"

    @property
    def jail(self) -> Jail | None:
        """What keeps probes from the rest of this machine; ``None`` where nothing does."""
        return self._found_jail[0]

    @property
    def exposure(self) -> str:
        """Why there is no jail; empty where there is one."""
        return self._found_jail[1]

    @cached_property
    def layers(self) -> Layers:
        """How probes get the files of a release."""
        return find_layers(self.state / "local", self._try)

    def clean_up(self) -> None:
        """Delete what a killed call left behind."""
        kill_jails(self.probes.resolve())
        delete_folder(self.probes)
        remove_groups()

    @cached_property
    def _found_jail(self) -> tuple[Jail | None, str]:
        return find_jail(self.state, self.bounds) if self.jailed else (None, "no jail is wanted")

    def _try(self, workspace: Path, enter: Sequence[str], command: Sequence[str]) -> bool:
        """Run a command in a workspace as probes run theirs; returns whether it succeeded."""
        with Path(os.devnull).open("wb") as unread:
            if self.jail is None:
                return not subprocess.run([*enter, *command], stdout=unread, stderr=unread, check=False).returncode
            with self.jail.filter() as filter_:
                words = self.jail.words(workspace, command, status=unread.fileno(), filter_=filter_)
                files = [unread.fileno(), filter_]
                done = subprocess.run([*enter, *words], stdout=unread, stderr=unread, pass_fds=files, check=False)
                return not done.returncode
