"""One container that a probe runs in: no network, no capabilities, limits, and always removed.

How a step runs in it, and is stopped, is in container_step.py.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import BAD_REQUEST, NOT_FOUND
from pathlib import Path, PurePosixPath
from tarfile import BLOCKSIZE, TarError
from typing import TYPE_CHECKING, Any

import docker
from requests.exceptions import ChunkedEncodingError

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.docker.archives import Owner, folders_archive, overlay_archive, plain_files, scripts_archive
from sessions.engines.docker.daemon import LABEL
from sessions.engines.probe import Image, Step
from sessions.settings.configuration import EngineSettings
from sessions.source.globs import fixed_folder, matcher, matching
from sessions.source.overlay_files import Overlay
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from docker.models.containers import Container, ExecResult
    from requests import Response

# The folder outside the source that holds a probe's scripts and takes its results.
ROOM = "/integrand"
RESULTS = f"{ROOM}/results"
# Marks the containers of a state folder. Not for images: whoever looks into one must not be cleaned away.
PROBE = f"{LABEL}.probe"
_GOES_LINK = 1 << 27  # in its `fs.FileMode`
_CHUNK = 2**20
_END = bytes(2 * BLOCKSIZE)
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
# An engine under load was seen to lose what a command had printed, and to break an archive off.
_ASKED = 3
# A shell's statuses for a command that is not there, or is none.
_NO_COMMAND = (126, 127)


class NoSourceError(InfrastructureError):
    """The source is not where the configuration says."""


@dataclass(frozen=True)
class ProbeContainer:
    """A running container in which nothing runs, but what is asked of it."""

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
        """A container of ``image`` that ends by itself after so many seconds, and is removed at the end."""
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
        """Who runs the commands. Files belong to it: without capabilities, even root cannot write others'."""
        # The source is looked for here, as podman makes the folder that an archive is put into.
        for _ in range(_ASKED):
            asked = self.container.exec_run(["sh", "-c", 'cd "$0" && id -u && id -g', self.source])
            if asked.exit_code:
                text = f"The image {self.image.name} has no folder {self.source}: set [engine] source."
                raise NoSourceError(text)
            if len(ids := printed_by(asked).split()) == 2:
                return int(ids[0]), int(ids[1])
        raise InfrastructureError("The engine lost what a command printed, thrice: call again.")

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
        """Delete files and folders of the source, there or not."""
        for start in range(0, len(paths), 500):
            words = ["rm", "-rf", "--", *paths[start : start + 500]]
            # Without capabilities, neither root nor the image's user can take each other's files away.
            asked = (self.container.exec_run(words, workdir=self.source, user=user) for user in ("", "root"))
            if all(each.exit_code == 1 for each in asked):
                raise InfrastructureError(
                    f"In the image {self.image.name}, files in {self.source} can be deleted neither by root nor by its "
                    "USER: let one of them own the source."
                )

    def put_scripts(self, steps: Iterable[Step]) -> None:
        """Put the commands of steps where :meth:`run` finds them."""
        scripts = {f"{step.name}.sh": step.command + "\n" for step in steps}
        self.container.put_archive("/", scripts_archive(ROOM.strip("/"), scripts, self.owner))

    def put_folders(self, folders: Mapping[str, Path]) -> None:
        """Put whole folders, or single files, at the absolute paths of the keys."""
        with folders_archive({path.lstrip("/"): folder for path, folder in folders.items()}, self.owner) as stream:
            self.container.put_archive("/", stream)

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        """Delete the files and links of the source that ``globs`` name. Raises :class:`ExceededError`."""
        for folder in sorted({fixed_folder(glob) for glob in globs}):
            words = ["find", f"./{folder}", "!", "-type", "d", "-print0"]
            listed = self.container.exec_run(words, workdir=self.source, stderr=False)
            if listed.exit_code in _NO_COMMAND:
                raise ExceededError("unusable", f"{self.image.name} has no `find`: install findutils in it")
            names = [name.removeprefix("./") for name in os.fsdecode(_bytes(listed)).split("\0") if name]
            self.bounds.check_search(len(names))
            try:
                self.take_away(matching(globs, names))
            except InfrastructureError as error:
                raise ExceededError("unusable", str(error).rstrip(".")) from None

    def results(self) -> bytes | None:
        """Return what the commands wrote to ``$INTEGRAND_RESULTS``. Raises :class:`ExceededError`."""
        return self._take(RESULTS, {"results": ""}.get, self.bounds.results_quota).get("")

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        """Return the plain files of the source that ``globs`` name, by path. Raises :class:`ExceededError`."""
        found: dict[str, bytes] = {}
        wanted = matcher(globs)
        for folder in sorted({fixed_folder(glob) for glob in globs}):

            def choose(name: str, folder: str = folder) -> str | None:
                # The archive's own first folder is the last one of the path that was asked for.
                path = f"{folder}/{name.partition('/')[2]}".lstrip("/")
                return path if "/" in name and wanted(path) else None

            found |= self._take(f"{self.source}/{folder}".rstrip("/"), choose, quota)
        quota.check(len(found), sum(map(len, found.values())))
        return dict(sorted(found.items()))

    def written(self) -> int:
        """Return how many bytes were written beside the image."""
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

    def _take(self, path: str, choose: Callable[[str], str | None], quota: Quota) -> dict[str, bytes]:
        """The plain files at ``path`` under the names that ``choose`` gives them, by those in Docker's archive.

        Raises :class:`InfrastructureError` where they never come whole, and :class:`ExceededError`.
        """
        for _ in range(_ASKED):
            with suppress(TarError, ChunkedEncodingError), self._archive(path) as (chunks, mode):
                if mode & _GOES_LINK:  # podman packs what it leads to
                    return {}
                return plain_files(chunks, choose, self.bounds, quota)
        raise InfrastructureError("The engine broke off files that a probe left, thrice: call again.")

    @contextmanager
    def _archive(self, path: str) -> Iterator[tuple[Iterable[bytes], int]]:
        """The chunks of an archive of ``path``, none where that is not there, and its mode as Go has it.

        docker-py leaves the connection open where an archive is not read to its end. Then the daemon goes on writing
        it, and the container cannot be removed.
        """
        api = self.client.api
        address = f"{api.base_url}/v{api.api_version}/containers/{self.container.id}/archive"
        with api.get(address, params={"path": path}, stream=True, timeout=api.timeout) as response:
            if response.status_code == NOT_FOUND or (response.status_code >= BAD_REQUEST and _is_no_path(response)):
                yield [_END], 0
                return
            response.raise_for_status()
            about = json.loads(b64decode(response.headers.get("X-Docker-Container-Path-Stat", "") or "e30="))
            yield response.iter_content(_CHUNK), int(about.get("mode", 0))


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


def _is_no_path(response: Response) -> bool:
    """Whether the daemon says that a path leads nowhere: through a loop of links, or a file in a folder's place."""
    return re.search("too many (levels of symbolic )?links|not a directory", response.text, re.IGNORECASE) is not None


def _quoted(text: str) -> str:
    """A text as a word of a Dockerfile, in which ``$`` would else begin a variable's name."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")


def printed_by(result: ExecResult) -> str:
    """Return what a command printed."""
    return _bytes(result).decode()


def _bytes(result: ExecResult) -> bytes:
    return result.output if isinstance(result.output, bytes) else b""
