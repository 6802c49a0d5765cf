"""Probes spread over machines: each runs on a worker of a Dask cluster, with that worker's engine.

Dask runs the probe of a lost worker again elsewhere, until more workers are lost with it than its setting
``distributed.scheduler.allowed-failures`` allows (3). This module handles what Dask does not: a lost connection to the
scheduler, a worker that cannot have the image, no worker at all.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sessions.engines import Engine, Listen, ignore
from sessions.engines.dask.cluster import LOST, Cluster, read_reply
from sessions.engines.dask.job import Job, JobFailed, JobRefused
from sessions.engines.dask.payload import Payload
from sessions.engines.images import ImageSource
from sessions.engines.pool import Pool, Threads
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config, Project
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from distributed import Future

ProbeEnd = tuple[int, Outcome | InfrastructureError]

# Seconds in which a lost scheduler or worker must be back, and between two checks of the workers.
_PATIENCE = 60.0
_LOOK = 2.0
# How often the connection may be lost without an outcome in between.
_LOSSES = 5


def choose_pool(
    config: Config, engine: Engine, image: Image, release: ImageSource, *, jobs: int, warn: Listen = ignore
) -> Pool:
    """Return the pool that the configuration names: ``jobs`` threads here, or a Dask cluster.

    ``image`` is what ``engine`` prepared of ``release``. ``warn`` hears about workers that cannot be used.

    Raises :class:`InfrastructureError` if the cluster does not answer, has no worker, or Dask is not installed.
    """
    if config.engine.workers == "here":
        return Threads(engine, jobs)
    remote = engine.describe_remote(image)
    job = Job(
        probe=Probe(image=image, overlay=(), steps=()),
        engine=engine.name,
        config=_public(config),
        remote=remote,
        tag=release.tag,
        commit=release.commit,
        tree=release.tree,
    )
    cluster = Cluster(config.engine.scheduler, Payload.packed(release.export if remote.needs_source else None))
    try:
        cluster.open()
    except BaseException:
        cluster.close()
        raise
    return DaskPool(cluster, job, warn)


def _public(config: Config) -> Config:
    """Return the configuration for a worker's engine, without addresses, which may contain a token."""
    project = Project(name=config.project.name, repository="")
    return replace(config, project=project, tickets=(), gates=())


@dataclass(frozen=True)
class DaskPool:
    """A pool on a Dask cluster. Each probe is sent in a copy of ``job``."""

    cluster: Cluster
    job: Job
    warn: Listen

    @property
    def size(self) -> int:
        """How many probes the connected workers run at once; 1 if there are none."""
        try:
            return max(1, sum(self.cluster.workers().values()))
        except LOST:
            return 1  # running probes connects again

    def run(self, probes: Sequence[tuple[Probe, Listen]], at_once: int = 0) -> Iterator[ProbeEnd]:  # noqa: ARG002
        """Run probes on workers, each as many as it takes; a listener hears its probe when the probe has ended."""
        # Builds are not kept on workers: nothing would remove them there.
        jobs = [self._job(probe) for probe, _ in probes]
        batch = _Batch(self.cluster, jobs, self.warn)
        try:
            for place, result in batch.outcomes():
                if isinstance(result, Outcome):
                    for line in (line for step in result.steps for line in step.log.splitlines(keepends=True)):
                        probes[place][1](line)
                yield place, result
        finally:
            batch.stop()

    def _job(self, probe: Probe) -> Job:
        remote = replace(self.job.remote, image=probe.image)
        return replace(self.job, probe=replace(probe, keep=False, starts=()), remote=remote)

    def close(self) -> None:
        """Leave the cluster."""
        self.cluster.close()


@dataclass
class _Batch:
    """Jobs that were submitted, and by their indexes those that still run."""

    cluster: Cluster
    jobs: Sequence[Job]
    warn: Listen
    running: dict[int, Future[Any]] = field(default_factory=dict)
    workers: dict[int, set[str]] = field(default_factory=dict)
    ended: queue.SimpleQueue[tuple[int, Future[Any]]] = field(default_factory=queue.SimpleQueue)
    losses: int = 0
    alone_since: float | None = None

    def outcomes(self) -> Iterator[ProbeEnd]:
        """Yield the results of jobs as they end; if no more can end, yield the same error for all that are left."""
        waiting = set(range(len(self.jobs)))
        try:
            self._submit_all(dict.fromkeys(waiting, ""))
            while waiting:
                for place, result in self._next():
                    waiting.remove(place)
                    yield place, result
        except InfrastructureError as error:
            yield from ((place, error) for place in sorted(waiting))

    def stop(self) -> None:
        """Stop the jobs that still run."""
        for future in self.running.values():
            future.release()
        self.cluster.stop([str(future.key) for future in self.running.values()])

    def _next(self) -> list[ProbeEnd]:
        try:
            place, future = self.ended.get(timeout=_LOOK)
        except queue.Empty:
            self._check_workers()
            return []
        if self.running.get(place) is not future:
            return []  # from a lost connection, or submitted again since
        try:
            worker, reply = read_reply(future)
        except LOST:
            self._connect_again()
            return []
        del self.running[place]
        self.losses = 0
        match reply:
            case Outcome():
                return [(place, reply)]
            case JobFailed(why=why):
                return [(place, InfrastructureError(f"A probe failed on a Dask worker ({why}): fix that, run again."))]
            case JobRefused(why=why):
                self._refuse(worker, why)
                self._submit_all({place: ""})
                return []

    def _submit_all(self, keys: dict[int, str]) -> None:
        """Submit these jobs. A job with a key goes to the worker that already runs it under that key."""
        try:
            running_there = self.cluster.running() if any(keys.values()) else {}
            for place, key in keys.items():
                workers = {running_there[key]} if key in running_there else self._usable_workers()
                self.workers[place] = workers or set()
                self.running[place] = future = self.cluster.submit(self.jobs[place], among=workers, key=key)
                future.add_done_callback(lambda done, place=place: self.ended.put((place, done)))
        except LOST:
            self._connect_again(keys)

    def _usable_workers(self) -> set[str] | None:
        """Return the workers that can run jobs, or ``None`` if all can."""
        usable = set(self.cluster.workers()) if self.cluster.refused else None
        if usable is not None and not usable:
            raise self.cluster.no_worker_error()
        return usable

    def _refuse(self, worker: str, why: str) -> None:
        if worker not in self.cluster.refused:
            self.cluster.refused[worker] = why
            self.warn(f"The Dask worker {worker} cannot run these probes: {why}.")

    def _connect_again(self, beside: dict[int, str] | None = None) -> None:
        """Connect again, and resubmit unfinished jobs. Jobs that still run under their keys continue."""
        self.losses += 1
        if self.losses > _LOSSES:
            raise InfrastructureError(
                f"The connection to the Dask scheduler {self.cluster.address} was lost {self.losses} times in a row: "
                "repair the network, then run again; what is known is kept."
            )
        keys = (beside or {}) | {place: str(future.key) for place, future in self.running.items()}
        self.running.clear()
        self.cluster.connect(_PATIENCE)
        self._submit_all(keys)

    def _check_workers(self) -> None:
        """Check that there is a worker for each job that waits."""
        try:
            present = set(self.cluster.workers())
        except LOST:
            self._connect_again()
            return
        if not present:
            self.alone_since = self.alone_since or time.monotonic()
            if time.monotonic() - self.alone_since > _PATIENCE:
                raise self.cluster.no_worker_error()
            return
        self.alone_since = None
        lost = [place for place in self.running if self.workers[place] and self.workers[place].isdisjoint(present)]
        for place in lost:
            self.running.pop(place).release()
        self._submit_all(dict.fromkeys(lost, ""))
