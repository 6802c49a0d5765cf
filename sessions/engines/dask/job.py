"""A probe for a worker on another machine, and how the worker runs it: with an engine and Python, without git."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from sessions.engines import Opening, RemoteImage, ignore
from sessions.engines.images import ImageSource
from sessions.engines.probe import Outcome, Probe
from sessions.engines.registry import engine_class
from sessions.settings.configuration import Config
from sessions.terminal.errors import InfrastructureError


@dataclass(frozen=True, kw_only=True)
class Job:
    """A probe, the engine that runs it, and the data with which a worker gets the same image.

    ``engine`` is a name in the registry of engines. ``tag``, ``commit`` and ``tree`` are the release's.
    """

    probe: Probe
    engine: str
    config: Config
    remote: RemoteImage
    tag: str
    commit: str
    tree: str


@dataclass(frozen=True, kw_only=True)
class JobRefused:
    """The worker cannot have the image; another one may."""

    why: str


@dataclass(frozen=True, kw_only=True)
class JobFailed:
    """The worker's engine failed while it ran the probe."""

    why: str


JobReply = Outcome | JobRefused | JobFailed


def do(job: Job, state: Path, archive: Path) -> JobReply:
    """Run a probe here: ``state`` is shared with other jobs, ``archive`` holds the release's files, if needed."""
    state.mkdir(parents=True, exist_ok=True)
    try:
        opening = Opening(why="the session runs on it", alone=False, confined=job.remote.confined)
        engine = engine_class(job.engine).open(job.config, state, opening)
    except (InfrastructureError, OSError) as error:
        return JobRefused(why=str(error).rstrip("."))
    with closing(engine):
        try:
            with FileLock(state / "lock"):
                engine.obtain(job.remote, _release_in(archive, job))
        except (InfrastructureError, OSError) as error:
            return JobRefused(why=str(error).rstrip("."))
        try:
            return engine.run(job.probe, ignore)
        except (InfrastructureError, OSError) as error:
            return JobFailed(why=str(error).rstrip("."))


def _release_in(archive: Path, job: Job) -> ImageSource:
    def unpack(folder: Path) -> None:
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="tar")

    return ImageSource(tag=job.tag, commit=job.commit, tree=job.tree, export=unpack)


def serve(state: str, archive: str) -> None:
    """Read a job from standard input, run it, and write the reply to standard output; stop if the input ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    job = pickle.load(sys.stdin.buffer)  # noqa: S301  from the session, by way of Dask, which runs what it is sent
    threading.Thread(
        target=_stop_at_end_of_input, args=(lambda: os.kill(os.getpid(), signal.SIGTERM),), daemon=True
    ).start()
    # What a library prints must not mix with the reply.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        reply = pickle.dumps(do(job, Path(state), Path(archive)))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # done: when the reply is read, the input ends
        out.write(reply)


def _stop_at_end_of_input(stop: Callable[[], None]) -> None:
    if not os.read(0, 1):  # the worker is gone; another one gets this probe
        stop()
