"""Carry known results from one machine to the next through the registry, if ``--publish`` is given.

A CI job starts with an empty state folder. If nothing else restores that folder, the image ``…:state`` does.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing

from sessions.engines import EngineUnavailableError
from sessions.engines.choice import open_preferred
from sessions.ledger.ledger import Ledger
from sessions.ledger.record import Record
from sessions.ledger.record_file import record_data
from sessions.ledger.state_archive import FOLDER, LEDGER, pack_state, unpack_state
from sessions.publishing.images import publish_image
from sessions.publishing.publication import Publication
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
    name, kind = _state_image(config.engine.image), options.engine or config.engine.kind
    try:
        with closing(open_preferred(config, kind, options.state, alone=True)) as engine:
            if engine.images and engine.images.digest(name):
                engine.images.pull(name)
                with engine.images.archives.read(name, FOLDER) as archive:
                    unpack_state(archive, options.state)
                console.detail(f"earlier results are taken from {name}")
    except EngineUnavailableError as error:
        console.detail(f"no earlier results are taken from {name}: {error.reason}")
    except InfrastructureError as error:
        console.detail(f"no earlier results are taken from {name}: {error}")


def hand_over(publication: Publication, ledger: Ledger, record: Record) -> None:
    """Publish what is known for the next call, if requested; nothing is pushed if nothing is new.

    Raises :class:`InfrastructureError` if the push is refused.
    """
    images, name = publication.images, _state_image(publication.repository)
    if images is None or not publication.pushes_images:
        return
    found = {key: value for key, value in record_data(record).items() if key not in ("timings", "published", "images")}
    inputs = hashlib.sha256(f"{ledger.size()} {json.dumps(found)}".encode()).hexdigest()[:16]
    images.archives.save(name, inputs, lambda: pack_state(publication.options.state, record))
    publish_image(images, name, publication.console)


def _state_image(repository: str) -> str:
    return f"{repository}:state"
