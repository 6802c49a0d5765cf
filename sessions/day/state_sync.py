"""From one machine to the next: with ``--publish``, what is known goes to the registry, and comes from there.

A CI job starts with an empty folder. Where nobody carries the state folder over, the image ``…:state`` does.
"""

from __future__ import annotations

import hashlib
import json

from sessions.day.probe_runner import ProbeRunner
from sessions.engines.docker.daemon import connect
from sessions.engines.docker.engine import DockerEngine
from sessions.ledger.record import Record
from sessions.ledger.record_file import record_data
from sessions.ledger.state_archive import FOLDER, LEDGER, pack_state, unpack_state
from sessions.publishing.images import publish_baseline, publish_image
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def take_over(config: Config, options: Options, console: Console) -> None:
    """Fill an empty state folder with what an earlier call published, if there is anything.

    That this cannot be had is worth a word and no failure: everything can be found out anew.
    """
    kind = options.engine or config.engine.kind
    wanted = config.engine.image and kind != "local" and not options.fresh and not options.plan
    if not wanted or (options.state / LEDGER).exists():
        return
    client, trouble = connect()
    if client is None:
        console.detail(f"no earlier results are taken from {_name(config)}: no Docker daemon answers ({trouble})")
        return
    engine = DockerEngine(config, options.state, client, why="")
    try:
        if engine.registry.digest_of(_name(config)):
            engine.registry.pull(_name(config))
            with engine.stored(_name(config), FOLDER) as archive:
                unpack_state(archive, options.state)
            console.detail(f"earlier results are taken from {_name(config)}")
    except InfrastructureError as error:
        console.detail(f"no earlier results are taken from {_name(config)}: {error}")
    finally:
        engine.close()


def share_baseline(runner: ProbeRunner, options: Options) -> None:
    """Publish what was built of the release's image, if asked: what is known counts for that image and no other."""
    if engine := _publisher(runner, options):
        publish_baseline(engine, runner.image, runner.console)


def hand_over(runner: ProbeRunner, record: Record, options: Options) -> None:
    """Publish what is known, if asked, for the next call, wherever that runs; once, where nothing is new."""
    engine, config = _publisher(runner, options), runner.config
    if engine is None:
        return
    found = {key: value for key, value in record_data(record).items() if key not in ("timings", "published")}
    inputs = hashlib.sha256(f"{runner.ledger.size()} {json.dumps(found)}".encode()).hexdigest()[:16]
    engine.store(_name(config), inputs, lambda: pack_state(options.state, record))
    publish_image(engine.registry, _name(config), runner.console)


def _publisher(runner: ProbeRunner, options: Options) -> DockerEngine | None:
    engine = runner.engine
    wanted = options.publish and runner.config.engine.image
    return engine if wanted and isinstance(engine, DockerEngine) else None


def _name(config: Config) -> str:
    return f"{config.engine.image}:state"
