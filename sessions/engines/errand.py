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

from sessions.config import Config
from sessions.engines import Engine
from sessions.engines.probe import Image, Outcome, Probe
from sessions.errors import InfrastructureError


@dataclass(frozen=True, kw_only=True)
class Errand:
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
class Refusal:
    """The worker cannot have the image; another may."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The worker's engine failed at the probe."""

    why: str


Reply = Outcome | Refusal | Failure


def do(errand: Errand, state: Path, archive: Path) -> Reply:
    """Run a probe here: ``state`` is shared with other errands, ``archive`` holds the release's files, if needed."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        engine, image = _on_docker(errand, state) if errand.kind == "docker" else _locally(errand, state, archive)
        if image.id != errand.probe.image.id:
            return Refusal(why=f"it has another image ({image.id}, not {errand.probe.image.id}{_hint(errand.kind)})")
    except (InfrastructureError, OSError) as error:
        return Refusal(why=str(error).rstrip("."))
    try:
        return engine.run(errand.probe, lambda _line: None)
    except (InfrastructureError, OSError) as error:
        return Failure(why=str(error).rstrip("."))
    finally:
        engine.close()


def _locally(errand: Errand, state: Path, archive: Path) -> tuple[Engine, Image]:
    from sessions.engines.local import LocalEngine

    def unpack(folder: Path) -> None:
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="tar")

    engine = LocalEngine(errand.config, state, why="the session runs on it", alone=False, jailed=errand.jailed)
    if errand.jailed and engine.openness:
        raise InfrastructureError(f"{engine.openness}, as it is where the session runs")
    with FileLock(state / "lock"):
        return engine, engine.prepare(errand.tag, errand.commit, errand.tree, unpack)


def _on_docker(errand: Errand, state: Path) -> tuple[Engine, Image]:
    from docker.errors import ImageNotFound

    from sessions.engines.daemon import connect, told
    from sessions.engines.docker import DockerEngine
    from sessions.engines.registry import Registry, RegistryError

    client, trouble = connect()
    if client is None:
        raise InfrastructureError(f"no Docker daemon answers there ({trouble})")
    wanted = errand.probe.image
    engine = DockerEngine(errand.config, state, client, why="the session runs on it", alone=False)
    with told("Looking for the image"), FileLock(state / "lock"):
        try:
            return engine, Image(id=str(client.images.get(wanted.id).id), name=wanted.name)
        except ImageNotFound:
            troubles = [f"{wanted.name} is not there, and nothing says where to pull it from"]
        for reference in errand.references:
            try:
                pulled = Registry.of(reference, errand.config, client).pull(reference)
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
    errand = pickle.load(sys.stdin.buffer)  # noqa: S301  from the session, by way of Dask, which runs what it is sent
    threading.Thread(target=_watch, args=(lambda: os.kill(os.getpid(), signal.SIGTERM),), daemon=True).start()
    # What a library may print is no reply.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        reply = pickle.dumps(do(errand, Path(state), Path(archive)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # done: when the reply is read, the input ends
        out.write(reply)


def _watch(end: Callable[[], None]) -> None:
    if not os.read(0, 1):  # the worker is gone, and whoever else gets this probe must not share the machine with it
        end()
