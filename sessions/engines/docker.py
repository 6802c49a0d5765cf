"""Probes in containers: no network, no capabilities, limits, and always removed."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import NotFound

from sessions.config import Config
from sessions.engines import Export, Listen
from sessions.engines.baseline_image import BaselineImage, Release
from sessions.engines.daemon import LABEL, told
from sessions.engines.probe import Ending, Image, Outcome, Probe, Step, StepOutcome
from sessions.errors import InfrastructureError
from sessions.globs import fixed_folder, matching
from sessions.source.overlays import Overlay

if TYPE_CHECKING:
    from docker.models.containers import Container, ExecResult

_ROOM = "/integrand"
_LARGEST_RESULT = 512 * 2**20


@dataclass(frozen=True)
class DockerEngine:
    """An engine of containers."""

    config: Config
    state: Path
    client: docker.DockerClient
    why: str
    name: str = "docker"
    warn: Listen = lambda _text: None

    def __post_init__(self) -> None:
        with told("Removing what a killed call left behind"):
            ours: dict[str, str | list[str] | bool] = {"label": f"{LABEL}.state={self._owner}"}
            for container in self.client.containers.list(all=True, filters=ours, ignore_removed=True):
                container.remove(force=True, v=True)

    def prepare(self, release: str, tree: str, export: Export) -> Image:
        """The baseline image, with the configured layers on it where there are any."""
        baseline = BaselineImage(config=self.config, client=self.client, warn=self.warn)
        return baseline.prepare(Release(tag=release, tree=tree, export=export))

    def run(self, probe: Probe, listen: Listen) -> Outcome:
        """Run a probe in a container of its own."""
        start = time.monotonic()
        with told("The Docker engine"), self._container(probe) as container:
            self._put_overlay(container, probe)
            steps = self._steps(container, probe, listen)
            return Outcome(
                steps=steps,
                results=next(iter(_take(container, f"{_ROOM}/results").values()), None),
                artifacts=self._artifacts(container, probe.artifacts),
                seconds=time.monotonic() - start,
            )

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    @property
    def _owner(self) -> str:
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:16]

    @contextmanager
    def _container(self, probe: Probe) -> Iterator[Container]:
        limits: dict[str, Any] = {"mem_limit": self.config.engine.memory} if self.config.engine.memory else {}
        container = self.client.containers.create(
            probe.image.id,
            # No `init`: as process 1, the loop reaps orphans too, and nothing that a probe runs can stop it. It ends
            # by itself, so that what a killed session leaves does not run for ever.
            entrypoint=["sh", "-c", "end=$(($(date +%s) + $0)); while [ $(date +%s) -lt $end ]; do sleep 60; done"],
            command=[str(int(sum(step.timeout for step in probe.steps)) + 3600)],
            environment=probe.environment | {"INTEGRAND_RESULTS": f"{_ROOM}/results"},
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=self.config.engine.processes,
            labels={f"{LABEL}.state": self._owner},
            **limits,
        )
        try:
            container.start()
            yield container
        finally:
            container.remove(force=True, v=True)

    def _put_overlay(self, container: Container, probe: Probe) -> None:
        # Files belong to whoever runs the commands: without capabilities, even root cannot write others'.
        user, group = _said(container.exec_run(["sh", "-c", "id -u; id -g"])).split()
        owner = (int(user), int(group))
        gone = [file.path for file in probe.overlay]
        for start in range(0, len(gone), 500):
            words = ["rm", "-rf", "--", *gone[start : start + 500]]
            # Without capabilities, neither root nor the image's user can take each other's files away.
            asked = (container.exec_run(words, workdir=self.config.engine.source, user=user) for user in ("", "root"))
            if all(each.exit_code == 1 for each in asked):
                raise InfrastructureError(
                    f"In the image {probe.image.name}, files in {self.config.engine.source} can be deleted neither by "
                    "root nor by its USER: let one of them own the source."
                )
        # New folders belong to that user as well; those that it may not make are made by the archive.
        folders = sorted({str(PurePosixPath(file.path).parent) for file in probe.overlay if file.content is not None})
        for start in range(0, len(folders), 500):
            words = ["mkdir", "-p", "--", *folders[start : start + 500]]
            container.exec_run(words, workdir=self.config.engine.source)
        scripts = {f"{step.name}.sh": step.command + "\n" for step in probe.steps}
        container.put_archive("/", _room(scripts, owner))
        try:
            container.put_archive(self.config.engine.source, _tar(probe.overlay, owner))
        except NotFound:
            raise InfrastructureError(
                f"The image {probe.image.name} has no folder {self.config.engine.source}: set [engine] source."
            ) from None

    def _steps(self, container: Container, probe: Probe, listen: Listen) -> tuple[StepOutcome, ...]:
        done: list[StepOutcome] = []
        for step in probe.steps:
            done.append(self._step(container, step, listen))
            if done[-1].status:
                break
        return tuple(done)

    def _step(self, container: Container, step: Step, listen: Listen) -> StepOutcome:
        late = threading.Event()

        def stop() -> None:
            late.set()
            container.kill()

        # One stream: what is printed to two reaches us out of order, and cut within lines.
        words = ["sh", "-c", 'exec sh "$0" 2>&1', f"{_ROOM}/{step.name}.sh"]
        command = self.client.api.exec_create(container.id, words, workdir=self.config.engine.source)
        timer = threading.Timer(step.timeout, stop)
        timer.start()
        try:
            log = [_heard(line, listen) for line in _lines(self.client.api.exec_start(command["Id"], stream=True))]
        finally:
            timer.cancel()
        status = self.client.api.exec_inspect(command["Id"])["ExitCode"]
        container.reload()
        if not late.is_set() and (status is None or container.status != "running"):
            raise InfrastructureError("A probe's container was stopped from outside. Run again: the rest is kept.")
        memory = status and not late.is_set() and _ran_out_of_memory(container)
        ending: Ending = "timeout" if late.is_set() else "out of memory" if memory else "exited"
        return StepOutcome(name=step.name, status=137 if status is None else status, log="".join(log), ending=ending)

    def _artifacts(self, container: Container, globs: tuple[str, ...]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for folder in sorted({fixed_folder(glob) for glob in globs}):
            files = _take(container, f"{self.config.engine.source}/{folder}".rstrip("/"))
            # The archive's own first folder is the last one of the path that was asked for.
            found |= {
                f"{folder}/{name.split('/', 1)[1]}".lstrip("/"): body for name, body in files.items() if "/" in name
            }
        return {name: found[name] for name in matching(globs, found)}


def _said(result: ExecResult) -> str:
    return result.output.decode() if isinstance(result.output, bytes) else ""


def _ran_out_of_memory(container: Container) -> bool:
    # Asked of the kernel, either of its versions: the daemon's own OOMKilled is about a container's first process.
    counts = container.exec_run(["cat", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"])
    return bool(re.search(r"^oom_kill [1-9]", _said(counts), re.MULTILINE))


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


def _room(scripts: dict[str, str], owner: tuple[int, int]) -> bytes:
    """The folder outside the source that holds a probe's scripts and takes its results."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        folder = _info(_ROOM.strip("/"), 0o755, owner)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, text in scripts.items():
            content = text.encode("utf-8", "surrogateescape")
            archive.addfile(_info(f"{_ROOM.strip('/')}/{name}", 0o755, owner, len(content)), io.BytesIO(content))
    return stream.getvalue()


def _tar(overlay: Overlay, owner: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in overlay:
            if file.content is None:
                continue
            info = _info(file.path, file.mode & 0o777, owner)
            if file.mode == 0o120000:
                info.type, info.linkname = tarfile.SYMTYPE, file.content.decode("utf-8", "surrogateescape")
                archive.addfile(info)
            else:
                info.size = len(file.content)
                archive.addfile(info, io.BytesIO(file.content))
    return stream.getvalue()


def _info(name: str, mode: int, owner: tuple[int, int], size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.size, info.mtime = mode, size, int(time.time())
    info.uid, info.gid = owner
    return info


def _take(container: Container, path: str) -> dict[str, bytes]:
    """The plain files at ``path`` by their names in Docker's archive; links and devices are left behind.

    Raises :class:`InfrastructureError` where they are larger than any result should be.
    """
    try:
        chunks, _ = container.get_archive(path)
    except NotFound:
        return {}
    with tempfile.TemporaryFile() as stream:
        for chunk in chunks:
            stream.write(chunk)
            if stream.tell() > _LARGEST_RESULT:
                raise InfrastructureError(f"{path} in a probe's container is larger than {_LARGEST_RESULT >> 20} MiB.")
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:
            files = [member for member in archive if member.isfile()]
            return {file.name: body.read() for file in files if (body := archive.extractfile(file))}
