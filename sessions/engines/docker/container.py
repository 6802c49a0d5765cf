"""One container that a probe runs in: no network, no capabilities, limits, and always removed.

step.py runs and stops steps in it; container_files.py reads what they leave.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import docker

from sessions.engines.bounds import Bounds, ExceededError
from sessions.engines.docker.archives import Owner, folders_archive, overlay_archive, scripts_archive
from sessions.engines.docker.container_files import ContainerFiles
from sessions.engines.image_names import LABEL, PROBE_FOLDER
from sessions.engines.probe import Image, Step
from sessions.settings.configuration import EngineSettings
from sessions.source.globs import fixed_folder, matching
from sessions.source.overlay_files import Overlay
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from docker.models.containers import Container, ExecResult

RESULTS = f"{PROBE_FOLDER}/results"
# Labels the containers of a state folder. In images the label is empty, so that a user's container is never removed.
PROBE = f"{LABEL}.probe"
# Process 1 of a probe's container ends by itself after $0 seconds, so that what a killed session leaves does not run
# for ever, and reaps orphans. It ignores all signals. Where `env` is GNU's of 2019 or later, it starts nothing that
# could fail or be killed; elsewhere it goes on where that happens. (Docker's own `init` hands signals on, and ends when
# its only child is killed.)
_PROCESS_1 = """
trap '' HUP INT QUIT TERM USR1 USR2 ALRM PIPE
env --ignore-signal=CHLD true 2> /dev/null && exec env --ignore-signal=CHLD sleep "$0"
end=$(($(date +%s) + $0))
while now=$(date +%s); [ "${now:-0}" -lt "$end" ]; do sleep 60; done
"""
# An engine under load may lose the output of a command, or break off an archive.
_TRIES = 3
# A shell's statuses for a command that does not exist, or is not executable.
_NO_COMMAND = (126, 127)


class NoSourceError(InfrastructureError):
    """The source is not where the configuration says."""


@dataclass(frozen=True)
class ProbeContainer:
    """A running container that waits for steps."""

    client: docker.DockerClient
    container: Container
    image: Image
    source: str
    bounds: Bounds

    @classmethod
    @contextmanager
    def of(
        cls,
        client: docker.DockerClient,
        image: Image,
        settings: EngineSettings,
        bounds: Bounds,
        *,
        owner: str,
        environment: Mapping[str, str],
        seconds: float,
    ) -> Iterator[ProbeContainer]:
        """Start a container of ``image`` that stops after ``seconds``, and remove it at the end."""
        container = client.containers.create(
            image.id,
            entrypoint=["sh", "-c", _PROCESS_1],
            command=[str(int(seconds))],
            environment={**environment, "INTEGRAND_RESULTS": RESULTS},
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            labels={PROBE: owner},
            user=settings.user or None,
            runtime=settings.runtime or None,
            **_limits(bounds),
        )
        try:
            container.start()
            yield cls(client, container, image, settings.source, bounds)
        finally:
            container.remove(force=True, v=True)

    @cached_property
    def owner(self) -> Owner:
        """The user who runs the commands and owns all files: without capabilities, even root cannot write others'."""
        # This checks that the source exists, as podman makes the folder that an archive is put into.
        for _ in range(_TRIES):
            result = self.container.exec_run(["sh", "-c", 'cd "$0" && id -u && id -g', self.source])
            if result.exit_code:
                text = f"The image {self.image.name} has no folder {self.source}: set [engine] source."
                raise NoSourceError(text)
            if len(ids := printed_by(result).split()) == 2:
                return int(ids[0]), int(ids[1])
        raise InfrastructureError("The engine lost a command's output three times: run again.")

    def put_overlay(self, overlay: Overlay) -> None:
        """Replace files of the source."""
        owner = self.owner
        self.take_away([file.path for file in overlay])
        # New folders belong to that user as well; those that it may not make are made by the archive.
        folders = sorted({str(PurePosixPath(file.path).parent) for file in overlay if file.content is not None})
        for start in range(0, len(folders), 500):
            self.container.exec_run(["mkdir", "-p", "--", *folders[start : start + 500]], workdir=self.source)
        self.container.put_archive(self.source, overlay_archive(overlay, owner))

    def take_away(self, paths: Sequence[str]) -> None:
        """Delete files and folders of the source, whether they exist or not."""
        for start in range(0, len(paths), 500):
            command = ["rm", "-rf", "--", *paths[start : start + 500]]
            # Without capabilities, neither root nor the image's user can delete the other's files.
            results = (self.container.exec_run(command, workdir=self.source, user=user) for user in ("", "root"))
            if all(result.exit_code == 1 for result in results):
                raise InfrastructureError(
                    f"In the image {self.image.name}, files in {self.source} can be deleted neither by root nor by its "
                    "USER: let one of them own the source."
                )

    def put_scripts(self, steps: Iterable[Step]) -> None:
        """Write the commands of steps into scripts, which :class:`StepRunner` starts."""
        scripts = {f"{step.name}.sh": step.command + "\n" for step in steps}
        self.container.put_archive("/", scripts_archive(PROBE_FOLDER.strip("/"), scripts, self.owner))

    def put_folders(self, folders: Mapping[str, Path]) -> None:
        """Copy whole folders, or single files, to the absolute paths of the keys."""
        with folders_archive({path.lstrip("/"): folder for path, folder in folders.items()}, self.owner) as stream:
            self.container.put_archive("/", stream)

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        """Delete the files and links of the source that match ``globs``. Raises :class:`ExceededError`."""
        for folder in sorted({fixed_folder(glob) for glob in globs}):
            command = ["find", f"./{folder}", "!", "-type", "d", "-print0"]
            listed = self.container.exec_run(command, workdir=self.source, stderr=False)
            if listed.exit_code in _NO_COMMAND:
                raise ExceededError("unusable", f"{self.image.name} has no `find`: install findutils in it")
            names = [name.removeprefix("./") for name in os.fsdecode(_bytes(listed)).split("\0") if name]
            self.bounds.check_search(len(names))
            try:
                self.take_away(matching(globs, names))
            except InfrastructureError as error:
                raise ExceededError("unusable", str(error).rstrip(".")) from None

    @property
    def files(self) -> ContainerFiles:
        """The files that the probe left in the container."""
        return ContainerFiles(self.client.api, str(self.container.id), self.source, RESULTS, self.bounds)

    def written(self) -> int:
        """Return how many bytes were written in addition to the image."""
        about = self.client.api.containers(all=True, size=True, filters={"id": self.container.id})
        return int(about[0].get("SizeRw") or 0) if about else 0

    def commit(self, name: str, labels: Mapping[str, str], *, command: Sequence[str] | None = None) -> Image:
        """Keep the container's files as the image ``name``, which starts as its own image does, or with ``command``."""
        repository, tag = name.rsplit(":", 1)
        starts = self.client.images.get(self.image.id).attrs["Config"]
        # A commit cannot take an entrypoint away, and `env` runs whatever it is given.
        entry = (None if command else starts.get("Entrypoint")) or ["env"]
        changes = [
            *(f"LABEL {key}={_quoted(value)}" for key, value in {**labels, PROBE: ""}.items()),
            f"ENTRYPOINT {json.dumps(entry)}",
            f"CMD {json.dumps(command or starts.get('Cmd') or ['sh'])}",
            f"WORKDIR {self.source}",
        ]
        made = self.container.commit(repository, tag, changes=changes)
        return Image(id=str(made.id), name=name)


def _limits(bounds: Bounds) -> dict[str, Any]:
    return {
        # The same number for both: no swap.
        "mem_limit": bounds.memory,
        "memswap_limit": bounds.memory,
        "shm_size": bounds.shared_memory,
        "pids_limit": bounds.processes,
        # Where the whole machine runs out of memory, the kernel ends a probe before anything of ours.
        "oom_score_adj": 500,
    }


def _quoted(text: str) -> str:
    """Quote a text for a Dockerfile, in which ``$`` begins a variable's name."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")


def printed_by(result: ExecResult) -> str:
    """Return what a command printed."""
    return _bytes(result).decode()


def _bytes(result: ExecResult) -> bytes:
    return result.output if isinstance(result.output, bytes) else b""
