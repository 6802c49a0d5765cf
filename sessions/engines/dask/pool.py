"""Probes spread over machines: each runs on a worker of a Dask cluster, with that worker's engine.

Dask runs the probe of a lost worker again elsewhere, until it was lost with more workers than its setting
``distributed.scheduler.allowed-failures`` allows (3). What Dask does not mend is mended here: a lost connection to the
scheduler, a worker that has another image, no worker at all.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sessions.engines import Engine, Listen
from sessions.engines.dask.cluster import LOST, Cluster
from sessions.engines.dask.job import Job, JobFailed, JobRefused
from sessions.engines.dask.payload import Payload
from sessions.engines.pool import Pool, Threads
from sessions.engines.probe import Image, Outcome, Probe
from sessions.settings.configuration import Config, Project, Tracker
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from distributed import Future

    from sessions.engines.docker.baseline_image import ImageSource

ProbeEnd = tuple[int, Outcome | InfrastructureError]

# Seconds until a scheduler, or a worker, that was lost must be back; and between two looks at who is there.
_PATIENCE = 60.0
_LOOK = 2.0
# How often in a row the connection may be lost, with no outcome between.
_LOSSES = 5


def choose_pool(
    config: Config, engine: Engine, image: Image, release: ImageSource, *, jobs: int, warn: Listen = lambda _text: None
) -> Pool:
    """The pool that the configuration asks for: ``jobs`` threads here, or a Dask cluster.

    ``image`` is what ``engine`` prepared of ``release``. ``warn`` is told of workers that cannot be used.

    Raises :class:`InfrastructureError` where the cluster does not answer, has no worker, or Dask is not installed.
    """
    if config.engine.workers == "here":
        return Threads(engine, jobs)
    from sessions.engines.local.engine import LocalEngine

    local = isinstance(engine, LocalEngine)
    job = Job(
        probe=Probe(image=image, overlay=(), steps=()),
        kind="local" if local else "docker",
        config=_public(config),
        references=_references(engine, image),
        jailed=isinstance(engine, LocalEngine) and engine.jail is not None,
        tag=release.tag,
        commit=release.commit,
        tree=release.tree,
    )
    cluster = Cluster(config.engine.scheduler, Payload.packed(release.export if local else None))
    try:
        cluster.open()
    except BaseException:
        cluster.close()
        raise
    return DaskPool(cluster, job, warn)


def _public(config: Config) -> Config:
    """What a worker's engine must know, and no address: one may hold a token."""
    project, tickets = Project(name=config.project.name, repository=""), Tracker(url="")
    return replace(config, project=project, tickets=tickets, gates=())


def _references(engine: Engine, image: Image) -> tuple[str, ...]:
    """The names under which an image may be pulled elsewhere, those that hold its digest first."""
    from sessions.engines.docker.daemon import told
    from sessions.engines.docker.engine import DockerEngine

    if not isinstance(engine, DockerEngine):
        return ()
    with told("Looking for the image's names"):
        digests = engine.client.images.get(image.id).attrs.get("RepoDigests") or []
        published = (built.names[0] for built in engine.baseline.built_here(image) if built.id == image.id)
        return (*digests, *published, image.name)


@dataclass(frozen=True)
class DaskPool:
    """A pool on a Dask cluster. Each probe goes out in a copy of ``job``."""

    cluster: Cluster
    job: Job
    warn: Listen

    @property
    def size(self) -> int:
        """How many probes the workers of this moment run at once; one, if there are none."""
        try:
            return max(1, sum(self.cluster.workers().values()))
        except LOST:
            return 1  # running them connects anew

    def run(self, probes: Sequence[tuple[Probe, Listen]]) -> Iterator[ProbeEnd]:
        """Run probes on workers; what they print is told when they end."""
        # Builds are not kept: nobody would take them away there.
        errands = [replace(self.job, probe=replace(probe, keep=False)) for probe, _ in probes]
        batch = _Batch(self.cluster, errands, self.warn)
        try:
            for place, told in batch.outcomes():
                if isinstance(told, Outcome):
                    for line in (line for step in told.steps for line in step.log.splitlines(keepends=True)):
                        probes[place][1](line)
                yield place, told
        finally:
            batch.stop()

    def close(self) -> None:
        """Leave the cluster."""
        self.cluster.close()


@dataclass
class _Batch:
    """Errands that were given out, and by their places those that are not done yet."""

    cluster: Cluster
    errands: Sequence[Job]
    warn: Listen
    running: dict[int, Future[Any]] = field(default_factory=dict)
    among: dict[int, set[str]] = field(default_factory=dict)
    ended: queue.SimpleQueue[tuple[int, Future[Any]]] = field(default_factory=queue.SimpleQueue)
    losses: int = 0
    alone_since: float | None = None

    def outcomes(self) -> Iterator[ProbeEnd]:
        """What each came to, as they end; where nothing more can come, the same error for all that are left."""
        waiting = set(range(len(self.errands)))
        try:
            self._give_all(dict.fromkeys(waiting, ""))
            while waiting:
                for place, told in self._next():
                    waiting.remove(place)
                    yield place, told
        except InfrastructureError as error:
            yield from ((place, error) for place in sorted(waiting))

    def stop(self) -> None:
        """Stop those that are not done."""
        for future in self.running.values():
            future.release()
        self.cluster.stop([str(future.key) for future in self.running.values()])

    def _next(self) -> list[ProbeEnd]:
        try:
            place, future = self.ended.get(timeout=_LOOK)
        except queue.Empty:
            self._look_around()
            return []
        if self.running.get(place) is not future:
            return []  # of a connection that was lost, or it was given to somebody else
        try:
            worker, reply = self.cluster.reply(future)
        except LOST:
            self._connect_again()
            return []
        del self.running[place]
        self.losses = 0
        match reply:
            case Outcome():
                return [(place, reply)]
            case JobFailed(why=why):
                return [(place, InfrastructureError(f"A probe failed on a Dask worker ({why}): mend that, run again."))]
            case JobRefused(why=why):
                self._refuse(worker, why)
                self._give_all({place: ""})
                return []

    def _give_all(self, keys: dict[int, str]) -> None:
        """Give out the errands of these places; those that have a key, to whoever has that in hand."""
        try:
            doing = self.cluster.doing() if any(keys.values()) else {}
            for place, key in keys.items():
                there = {doing[key]} if key in doing else self._chosen()
                self.among[place] = there or set()
                self.running[place] = future = self.cluster.give(self.errands[place], among=there, key=key)
                future.add_done_callback(lambda done, place=place: self.ended.put((place, done)))
        except LOST:
            self._connect_again(keys)

    def _chosen(self) -> set[str] | None:
        """The workers who can do it, where some cannot."""
        there = set(self.cluster.workers()) if self.cluster.refused else None
        if there is not None and not there:
            raise self.cluster.nobody()
        return there

    def _refuse(self, worker: str, why: str) -> None:
        if worker not in self.cluster.refused:
            self.cluster.refused[worker] = why
            self.warn(f"The Dask worker {worker} cannot run these probes: {why}.")

    def _connect_again(self, beside: dict[int, str] | None = None) -> None:
        """Connect, and ask again for whatever is not done; what still runs there under its key goes on."""
        self.losses += 1
        if self.losses > _LOSSES:
            raise InfrastructureError(
                f"The connection to the Dask scheduler {self.cluster.address} was lost {self.losses} times in a row: "
                "mend the network, then run again; what is known is kept."
            )
        keys = (beside or {}) | {place: str(future.key) for place, future in self.running.items()}
        self.running.clear()
        self.cluster.connect(_PATIENCE)
        self._give_all(keys)

    def _look_around(self) -> None:
        """See that somebody is there who can do what is waiting."""
        try:
            there = set(self.cluster.workers())
        except LOST:
            self._connect_again()
            return
        if not there:
            self.alone_since = self.alone_since or time.monotonic()
            if time.monotonic() - self.alone_since > _PATIENCE:
                raise self.cluster.nobody()
            return
        self.alone_since = None
        lost = [place for place in self.running if self.among[place] and self.among[place].isdisjoint(there)]
        for place in lost:
            self.running.pop(place).release()
        self._give_all(dict.fromkeys(lost, ""))
