"""The engine of a day, opened: its probe runner, with the image of the release prepared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from sessions.day.budget import Budget
from sessions.day.context import Day
from sessions.day.gate_files import GateFiles
from sessions.day.opened_pool import open_pool
from sessions.day.packed import unpack_images
from sessions.day.probe_builder import ProbeBuilder
from sessions.day.probe_runner import ProbeRunner
from sessions.day.result_cache import ResultCache
from sessions.engines.choice import choose_engine
from sessions.engines.images import ImageSource
from sessions.source.overlays import export, size_of
from sessions.source.start import source_in


@contextmanager
def open_runner(day: Day) -> Iterator[ProbeRunner]:
    """Open the engine, prepare the image of the release, and yield what runs probes on it.

    Raises :class:`InfrastructureError` if the engine cannot be used, or the image cannot be had.
    """
    kind = day.options.engine or day.config.engine.kind
    sample = Path(day.config.project.repository).is_relative_to(day.state / "sample")
    engine = choose_engine(day.config, kind, day.state, day.console.detail, trusted=sample)
    with ExitStack() as borrowed:
        borrowed.callback(engine.close)
        day.console.detail(f"engine: {engine.name}, as {engine.why}")
        if engine.images:
            unpack_images(engine.images, day.home, day.console)
            if day.options.publish and day.config.engine.image:
                engine.images.check_login()  # now, and not after hours
        repository, tree = day.mirror.repository, day.release.tree
        day.console.detail(f"disk: {engine.check_disk(day.release.tag, size_of(repository, tree))}")
        release = ImageSource(tag=day.release.tag, commit=day.release.commit, tree=tree, export=partial(_export, day))
        image = engine.prepare(release)
        day.console.detail(f"image: {image.name}")
        source = source_in(day.mirror, image.revision, day.release)
        if source.aside:
            day.console.detail(source.aside)
        opened = open_pool(day, engine, image, release)
        borrowed.callback(opened.pool.close)
        budget = day.options.budget
        files = GateFiles(repository, day.options.files)
        yield ProbeRunner(
            engine=engine,
            pool=opened.pool,
            cache=ResultCache(config=day.config, files=files, image_id=image.id, ledger=day.ledger, state=day.state),
            builder=ProbeBuilder(
                config=day.config, files=files, image=image, release_tree=source.tree, jobs=opened.jobs
            ),
            budget=Budget(None if budget is None else day.started + budget),
            console=day.console,
            gates=frozenset(gate.name for gate in day.asked_gates()),
            parallelism=opened.parallelism,
            shards=opened.pool.size if day.config.engine.workers == "dask" else 1,
        )


def _export(day: Day, folder: Path) -> None:
    """Write the files of the release into a folder."""
    export(day.mirror.repository, day.release.tree, folder, submodules=day.config.project.submodules)
