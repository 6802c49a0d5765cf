"""From one machine to the next: with ``--publish``, what is known goes to the registry, and comes from there.

A CI job starts with an empty folder. Where nobody carries the state folder over, the image ``…:state`` does.
"""

from __future__ import annotations

import hashlib
import json

from sessions.config import Config
from sessions.engines.daemon import connect
from sessions.engines.docker import DockerEngine
from sessions.errors import InfrastructureError
from sessions.laboratory import Laboratory
from sessions.ledger.handover import FOLDER, LEDGER, pack, unpack
from sessions.ledger.record import Record
from sessions.narrator import Narrator
from sessions.options import Options
from sessions.publishing.images import publish_baseline, publish_image


def take_over(config: Config, options: Options, narrator: Narrator) -> None:
    """Fill an empty state folder with what an earlier call published, if there is anything.

    That this cannot be had is worth a word and no failure: everything can be found out anew.
    """
    kind = options.engine or config.engine.kind
    wanted = config.engine.image and kind != "local" and not options.fresh and not options.plan
    if not wanted or (options.state / LEDGER).exists():
        return
    client, trouble = connect()
    if client is None:
        narrator.detail(f"no earlier results are taken from {_name(config)}: no Docker daemon answers ({trouble})")
        return
    engine = DockerEngine(config, options.state, client, why="")
    try:
        if engine.registry.digest_of(_name(config)):
            engine.registry.pull(_name(config))
            with engine.stored(_name(config), FOLDER) as archive:
                unpack(archive, options.state)
            narrator.detail(f"earlier results are taken from {_name(config)}")
    except InfrastructureError as error:
        narrator.detail(f"no earlier results are taken from {_name(config)}: {error}")
    finally:
        engine.close()


def share_baseline(laboratory: Laboratory, options: Options) -> None:
    """Publish what was built of the release's image, if asked: what is known counts for that image and no other."""
    if engine := _publisher(laboratory, options):
        publish_baseline(engine, laboratory.image, laboratory.narrator)


def hand_over(laboratory: Laboratory, record: Record, options: Options) -> None:
    """Publish what is known, if asked, for the next call, wherever that runs; once, where nothing is new."""
    engine, config = _publisher(laboratory, options), laboratory.config
    if engine is None:
        return
    found = {key: value for key, value in record.items() if key not in ("timings", "published")}
    inputs = hashlib.sha256(f"{laboratory.ledger.size()} {json.dumps(found)}".encode()).hexdigest()[:16]
    engine.store(_name(config), inputs, lambda: pack(options.state, record))
    publish_image(engine.registry, _name(config), laboratory.narrator)


def _publisher(laboratory: Laboratory, options: Options) -> DockerEngine | None:
    engine = laboratory.engine
    wanted = options.publish and laboratory.config.engine.image
    return engine if wanted and isinstance(engine, DockerEngine) else None


def _name(config: Config) -> str:
    return f"{config.engine.image}:state"
