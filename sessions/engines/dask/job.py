"""What a worker on another machine is told to do, and how it does it: with an engine and Python, and without git."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from sessions.engines import Engine
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True, kw_only=True)
class Job:
    """One probe, and what a worker must know to have the same image.

    ``references`` are names under which the image may be pulled. ``jailed`` says that the local engine has a jail where
    the session is, and must have one where the probe runs. ``tag``, ``commit`` and ``tree`` are the release's.
    """

    probe: Probe
    kind: Literal["docker", "local"]
    config: Config
    references: tuple[str, ...] = ()
    jailed: bool = True
    tag: str
    commit: str
    tree: str


@dataclass(frozen=True, kw_only=True)
class JobRefused:
    """The worker cannot have the image; another may."""

    why: str


@dataclass(frozen=True, kw_only=True)
class JobFailed:
    """The worker's engine failed at the probe."""

    why: str


JobReply = Outcome | JobRefused | JobFailed


def do(job: Job, state: Path, archive: Path) -> JobReply:
    """Run a probe here: ``state`` is shared with other errands, ``archive`` holds the release's files, if needed."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        engine, image = _on_docker(job, state) if job.kind == "docker" else _locally(job, state, archive)
        if image.id != job.probe.image.id:
            return JobRefused(why=f"it has another image ({image.id}, not {job.probe.image.id}{_hint(job.kind)})")
    except (InfrastructureError, OSError) as error:
        return JobRefused(why=str(error).rstrip("."))
    try:
        return engine.run(job.probe, lambda _line: None)
    except (InfrastructureError, OSError) as error:
        return JobFailed(why=str(error).rstrip("."))
    finally:
        engine.close()


def _locally(job: Job, state: Path, archive: Path) -> tuple[Engine, Image]:
    from sessions.engines.local.engine import LocalEngine

    def unpack(folder: Path) -> None:
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="tar")

    engine = LocalEngine(job.config, state, why="the session runs on it", alone=False, jailed=job.jailed)
    if job.jailed and engine.openness:
        raise InfrastructureError(f"{engine.openness}, as it is where the session runs")
    with FileLock(state / "lock"):
        return engine, engine.prepare(job.tag, job.commit, job.tree, unpack)


def _on_docker(job: Job, state: Path) -> tuple[Engine, Image]:
    from docker.errors import ImageNotFound

    from sessions.engines.docker.daemon import connect, told
    from sessions.engines.docker.engine import DockerEngine
    from sessions.engines.docker.registry import Registry, RegistryError

    client, trouble = connect()
    if client is None:
        raise InfrastructureError(f"no Docker daemon answers there ({trouble})")
    wanted = job.probe.image
    engine = DockerEngine(job.config, state, client, why="the session runs on it", alone=False)
    with told("Looking for the image"), FileLock(state / "lock"):
        try:
            return engine, Image(id=str(client.images.get(wanted.id).id), name=wanted.name)
        except ImageNotFound:
            troubles = [f"{wanted.name} is not there, and nothing says where to pull it from"]
        for reference in job.references:
            try:
                pulled = Registry.of(reference, job.config, client).pull(reference)
            except RegistryError as error:
                troubles.append(str(error))
                continue
            if pulled == wanted.id:
                break
            troubles.append(f"{reference} is another image there, {pulled}")
        else:
            raise InfrastructureError(troubles[-1])
    return engine, wanted


def _hint(kind: str) -> str:
    return "; the local engine needs the same Python and the same platform" if kind == "local" else ""


def serve(state: str, archive: str) -> None:
    """Do the errand that standard input brings, and write the reply to standard output; end where the input ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    job = pickle.load(sys.stdin.buffer)  # noqa: S301  from the session, by way of Dask, which runs what it is sent
    threading.Thread(target=_watch, args=(lambda: os.kill(os.getpid(), signal.SIGTERM),), daemon=True).start()
    # What a library may print is no reply.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        reply = pickle.dumps(do(job, Path(state), Path(archive)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # done: when the reply is read, the input ends
        out.write(reply)


def _watch(end: Callable[[], None]) -> None:
    if not os.read(0, 1):  # the worker is gone, and whoever else gets this probe must not share the machine with it
        end()
