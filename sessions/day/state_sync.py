"""Carries what is known from one machine to the next: with ``--publish`` it goes to the registry, and comes from there.

A CI job starts with an empty state folder. Where nothing else carries that folder over, the image ``…:state`` does.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing

from sessions.day.probe_runner import ProbeRunner
from sessions.engines import EngineUnavailableError
from sessions.engines.choice import open_preferred
from sessions.engines.images import ImageStore
from sessions.ledger.record import Record
from sessions.ledger.state_archive import FOLDER, LEDGER, pack_state, unpack_state
from sessions.publishing.images import publish_baseline, publish_image
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def take_over(config: Config, options: Options, console: Console) -> None:
    """Fill an empty state folder with what an earlier call published, if there is anything.

    A failure is reported and ignored: everything can be found out again.
    """
    is_wanted = config.engine.image and not options.fresh and not options.plan
    if not is_wanted or (options.state / LEDGER).exists():
        return
    name, kind = _state_image(config), options.engine or config.engine.kind
    try:
        with closing(open_preferred(config, kind, options.state)) as engine:
            if engine.images and engine.images.digest(name):
                engine.images.pull(name)
                with engine.images.stored(name, FOLDER) as archive:
                    unpack_state(archive, options.state)
                console.detail(f"earlier results are taken from {name}")
    except EngineUnavailableError as error:
        console.detail(f"no earlier results are taken from {name}: {error.reason}")
    except InfrastructureError as error:
        console.detail(f"no earlier results are taken from {name}: {error}")


def share_baseline(runner: ProbeRunner, options: Options) -> None:
    """Publish what was built of the release's image, if requested: results count only with exactly that image."""
    if images := _store_to_publish(runner, options):
        publish_baseline(images, runner.builder.image, runner.console)


def hand_over(runner: ProbeRunner, record: Record, options: Options) -> None:
    """Publish what is known for the next call, if requested; nothing is pushed where nothing is new."""
    images, config = _store_to_publish(runner, options), runner.cache.config
    if images is None:
        return
    found = {key: value for key, value in record.items() if key not in ("timings", "published")}
    inputs = hashlib.sha256(f"{runner.cache.ledger.size()} {json.dumps(found)}".encode()).hexdigest()[:16]
    images.store(_state_image(config), inputs, lambda: pack_state(options.state, record))
    publish_image(images, _state_image(config), runner.console)


def _store_to_publish(runner: ProbeRunner, options: Options) -> ImageStore | None:
    return runner.engine.images if options.publish and runner.cache.config.engine.image else None


def _state_image(config: Config) -> str:
    return f"{config.engine.image}:state"
