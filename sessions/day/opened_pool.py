"""The pool of a day, opened, and how many probes run in it at once."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sessions.day.context import Day
from sessions.day.parallelism import Parallelism
from sessions.engines import Engine
from sessions.engines.dask.pool import choose_pool
from sessions.engines.images import ImageSource
from sessions.engines.pool import Pool
from sessions.engines.probe import Image


@dataclass(frozen=True, kw_only=True)
class OpenedPool:
    """A pool; ``jobs`` is how many processes probes may start together.

    Without ``parallelism``, the pool's own size decides how many run at once.
    """

    pool: Pool
    jobs: int
    parallelism: Parallelism | None


def open_pool(day: Day, engine: Engine, image: Image, release: ImageSource) -> OpenedPool:
    """Open the configured pool. On this machine, how many run at once is measured unless ``--jobs`` says it.

    Raises :class:`InfrastructureError` if a cluster cannot be used.
    """
    jobs = day.options.jobs or os.cpu_count() or 1
    is_measured = day.options.jobs is None and day.config.engine.workers == "here"
    parallelism = Parallelism(processors=jobs) if is_measured else None
    size = parallelism.most if parallelism else jobs
    pool = choose_pool(day.config, engine, image, release, jobs=size, warn=day.console.detail)
    return OpenedPool(pool=pool, jobs=jobs, parallelism=parallelism)
