"""One container that a probe runs in: no network, no capabilities, limits, and always removed."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from tarfile import TarError
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from sessions.config import Engine
from sessions.engines import Listen
from sessions.engines.archives import Owner, folders_archive, overlay_archive, plain_files, scripts_archive
from sessions.engines.daemon import LABEL
from sessions.engines.probe import Ending, Image, Step, StepOutcome
from sessions.errors import InfrastructureError
from sessions.globs import fixed_folder, matching
from sessions.source.overlay_files import Overlay

if TYPE_CHECKING:
    from docker.models.containers import Container, ExecResult

# The folder outside the source that holds a probe's scripts and takes its results.
ROOM = "/integrand"
RESULTS = f"{ROOM}/results"
# Marks the containers of a state folder. Not for images: whoever looks into one must not be cleaned away.
PROBE = f"{LABEL}.probe"
_GOES_LINK = 1 << 27  # in its `fs.FileMode`
_LARGEST_RESULT = 512 * 2**20
# An engine under load was seen to lose what a command had printed, and to break an archive off.
_ASKED = 3
# A shell's statuses for a command that is not there, or is none.
_NO_COMMAND = (126, 127)


@dataclass(frozen=True)
class ProbeContainer:
    """A running container in which nothing runs, but what is asked of it."""

    client: docker.DockerClient
    container: Container
    image: Image
    source: str

    @classmethod
    @contextmanager
    def of(
        cls,
        client: docker.DockerClient,
        image: Image,
        settings: Engine,
        *,
        owner: str,
        environment: Mapping[str, str],
        seconds: float,
    ) -> Iterator[ProbeContainer]:
        """A container of ``image`` that ends by itself after so many seconds, and is removed at the end."""
        limits: dict[str, Any] = {"mem_limit": settings.memory} if settings.memory else {}
        container = client.containers.create(
            image.id,
            # No `init`: as process 1, the loop reaps orphans too, and nothing that a probe runs can stop it. It ends
            # by itself, so that what a killed session leaves does not run for ever.
            entrypoint=["sh", "-c", "end=$(($(date +%s) + $0)); while [ $(date +%s) -lt $end ]; do sleep 60; done"],
            command=[str(int(seconds))],
            environment={**environment, "INTEGRAND_RESULTS": RESULTS},
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=settings.processes,
            labels={PROBE: owner},
            **limits,
        )
        try:
            container.start()
            yield cls(client, container, image, settings.source)
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
                raise InfrastructureError(text)
            if len(said := _said(asked).split()) == 2:
                return int(said[0]), int(said[1])
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

    def run(self, step: Step, listen: Listen) -> StepOutcome:
        """Run one step whose script is there."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            with suppress(DockerException, RequestException):  # it ended by itself just now
                self.container.kill()

        # One stream: what is printed to two reaches us out of order, and cut within lines.
        words = ["sh", "-c", 'exec sh "$0" 2>&1', f"{ROOM}/{step.name}.sh"]
        command = self.client.api.exec_create(self.container.id, words, workdir=self.source)
        timer = threading.Timer(step.timeout, stop)
        timer.start()
        try:
            log = [_heard(line, listen) for line in _lines(self.client.api.exec_start(command["Id"], stream=True))]
        finally:
            timer.cancel()
            timer.join()  # podman gives empty archives of a container that is just being killed
        status = self.client.api.exec_inspect(command["Id"])["ExitCode"]
        self.container.reload()
        if not late.is_set() and (status is None or self.container.status != "running"):
            raise InfrastructureError("A probe's container was stopped from outside. Run again: the rest is kept.")
        memory = status and not late.is_set() and self._ran_out_of_memory()
        ending: Ending = "timeout" if late.is_set() else "out of memory" if memory else "exited"
        return StepOutcome(name=step.name, status=137 if status is None else status, log="".join(log), ending=ending)

    def results(self) -> bytes | None:
        """What the commands wrote to ``$INTEGRAND_RESULTS``."""
        return next(iter(self._take(RESULTS).values()), None)

    def delete_matching(self, globs: tuple[str, ...]) -> None:
        """Delete the files and links of the source that ``globs`` name."""
        for folder in sorted({fixed_folder(glob) for glob in globs}):
            words = ["find", f"./{folder}", "!", "-type", "d", "-print0"]
            listed = self.container.exec_run(words, workdir=self.source, stderr=False)
            if listed.exit_code in _NO_COMMAND:
                raise InfrastructureError(f"The image {self.image.name} has no `find`: install findutils in it.")
            names = os.fsdecode(_bytes(listed)).split("\0")
            self.take_away(matching(globs, [name.removeprefix("./") for name in names if name]))

    def files(self, globs: tuple[str, ...]) -> dict[str, bytes]:
        """Return the plain files of the source that ``globs`` name, by path."""
        found: dict[str, bytes] = {}
        for folder in sorted({fixed_folder(glob) for glob in globs}):
            files = self._take(f"{self.source}/{folder}".rstrip("/"))
            # The archive's own first folder is the last one of the path that was asked for.
            found |= {
                f"{folder}/{name.split('/', 1)[1]}".lstrip("/"): body for name, body in files.items() if "/" in name
            }
        return {name: found[name] for name in matching(globs, found)}

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

    def _ran_out_of_memory(self) -> bool:
        # Asked of the kernel, either of its versions: the daemon's own OOMKilled is about a container's first process.
        counts = ["cat", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"]
        return bool(re.search(r"^oom_kill [1-9]", _said(self.container.exec_run(counts)), re.MULTILINE))

    def _take(self, path: str) -> dict[str, bytes]:
        """The plain files at ``path`` by their names in Docker's archive.

        Raises :class:`InfrastructureError` where they are larger than any result should be, or never come whole.
        """
        for _ in range(_ASKED):
            try:
                chunks, about = self.container.get_archive(path)
            except NotFound:
                return {}
            if about and about["mode"] & _GOES_LINK:  # podman packs what it leads to
                return {}
            with suppress(TarError):
                if (files := plain_files(chunks, _LARGEST_RESULT)) is not None:
                    return files
                raise InfrastructureError(f"{path} in a probe's container is larger than {_LARGEST_RESULT >> 20} MiB.")
        raise InfrastructureError("The engine broke off files that a probe left, thrice: call again.")


def _quoted(text: str) -> str:
    """A text as a word of a Dockerfile, in which ``$`` would else begin a variable's name."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")


def _said(result: ExecResult) -> str:
    return _bytes(result).decode()


def _bytes(result: ExecResult) -> bytes:
    return result.output if isinstance(result.output, bytes) else b""


def _heard(line: str, listen: Listen) -> str:
    listen(line)
    return line


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") + "\n" for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
