"""``nox -s publish``: push what was recorded, and tell the tickets; runs no code of a ticket.

`nox -s integrate -- --publish` pushes the same, by the same code. Apart, the session that runs tickets' code needs no
token that may write, and the one that has such a token runs none of that code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from sessions.day.context import apply_options, hold_state, with_sample
from sessions.day.packed import unpack_head, unpack_images
from sessions.day.state_sync import hand_over, take_over
from sessions.engines.docker.daemon import connect
from sessions.engines.docker.engine import DockerEngine
from sessions.ledger.ledger import Ledger
from sessions.ledger.record import Record, load_record, save_record
from sessions.ledger.state_archive import LEDGER
from sessions.publishing.publication import Publication
from sessions.report import tell_tracker
from sessions.reporting.report_files import write_reports
from sessions.settings.configuration import Config, load_config
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError


def publish(options: Options, console: Console) -> Record:
    """Push images, branch and what is known, then tell the tickets, all from the newest record.

    Raises :class:`InfrastructureError`, :class:`SourceError` or :class:`TrackerError` at the end where something could
    not be published; the same command finishes it.
    """
    with hold_state(options.state):
        config = with_sample(apply_options(load_config(options.config), options), options.state)
        take_over(config, options, console)
        record = load_record(options.state)
        console.step(f"Publishing {record['branch']} ({record['state']}, {len(record['order'])} tickets)")
        with _engine(config, options, record, console) as engine:
            image = config.engine.image
            publication = Publication(options=options, console=console, repository=image, engine=engine)
            record = _push(publication, config, record)
        folder = (options.state / "latest").resolve()
        record = tell_tracker(config, options, record, folder, console)
        publication.finish()
        return record


@contextmanager
def _engine(config: Config, options: Options, record: Record, console: Console) -> Iterator[DockerEngine | None]:
    """The engine that has the record's images; ``None`` where it has none.

    Raises :class:`InfrastructureError` where no daemon answers, or its registry does not let us in.
    """
    if not record.get("images"):
        yield None
        return
    client, trouble = connect()
    if client is None:
        raise InfrastructureError(f"The images of the run record are in Docker, and no daemon answers: {trouble}.")
    with ExitStack() as borrowed:
        engine = DockerEngine(config, options.state, client, why="the run record has images")
        borrowed.callback(engine.close)
        if options.publish and config.engine.image:
            engine.registry.check_login()
        unpack_images(engine, options.state, console)
        yield engine


def _push(publication: Publication, config: Config, record: Record) -> Record:
    """Push all that the record names, and save the record with what was published."""
    state, folder = publication.options.state, (publication.options.state / "latest").resolve()
    mirror = Mirror.of(config.project.repository, state)
    publication.push_release(record)
    record = publication.push_evidence(record)
    with publication.go_on():
        if record["state"] == "green":
            unpack_head(mirror, record, state)
    record = publication.push_head(record, mirror)
    save_record(record, folder)
    write_reports(record, folder)
    with publication.go_on(), closing(Ledger(state / LEDGER)) as ledger:
        hand_over(publication, ledger, record)
    return record
