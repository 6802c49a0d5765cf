"""``nox -s publish``: push what the newest record names, and comment on the tickets; runs no code of a ticket.

`nox -s integrate -- --publish` pushes the same with the same code. With two sessions, the one that runs tickets' code
needs no token with write access, and the one with such a token runs no code of tickets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sessions.day.cooking_rules import cooking_rules
from sessions.day.effective_configuration import read_configuration
from sessions.day.packed import unpack_head, unpack_images
from sessions.day.state_folder import hold_state
from sessions.day.state_sync import hand_over, take_over
from sessions.engines.choice import open_preferred
from sessions.engines.images import ImageStore
from sessions.ledger.ledger import Ledger
from sessions.ledger.record import Record, State
from sessions.ledger.record_file import load_record, save_record
from sessions.ledger.state_archive import LEDGER
from sessions.publishing.publication import Publication
from sessions.report import tell_flakes, tell_trackers
from sessions.reporting.report_files import write_reports
from sessions.settings.configuration import Config
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console


def publish(options: Options, console: Console) -> Record:
    """Push images, branch and known results, then comment on the tickets, all from the newest record.

    Raises :class:`InfrastructureError`, :class:`SourceError` or :class:`TrackerError` at the end if something could not
    be published; the same command finishes it.
    """
    with hold_state(options.state):
        config = read_configuration(options)
        take_over(config, options, console)
        record = load_record(options.home)
        console.step(f"Publishing {record.branch} ({record.state}, {len(record.order)} tickets)")
        with _images(config, options, record, console) as images:
            image = config.engine.image
            publication = Publication(options=options, console=console, repository=image, images=images)
            record = _push(publication, config, record)
        folder = (options.home / "latest").resolve()
        record = tell_trackers(config, options, record, folder, console)
        tell_flakes(config, options, record, console)
        publication.finish()
        return record


@contextmanager
def _images(config: Config, options: Options, record: Record, console: Console) -> Iterator[ImageStore | None]:
    """Open the engine that made the record's images, and yield its image store; ``None`` if the record has no images.

    Raises :class:`InfrastructureError` if the engine cannot be used, or its registry refuses our login.
    """
    if not record.images:
        yield None
        return
    with closing(open_preferred(config, record.engine, options.state, alone=True)) as engine:
        if engine.images:
            if options.publish and config.engine.image:
                engine.images.check_login()
            unpack_images(engine.images, options.home, console)
        yield engine.images


def _push(publication: Publication, config: Config, record: Record) -> Record:
    """Push the images and the branch of the record, and save the record with their addresses."""
    state, folder = publication.options.state, (publication.options.home / "latest").resolve()
    mirror = Mirror.of(config.project.repository, state)
    publication.push_release(record)
    record = publication.push_evidence(record)
    with publication.go_on():
        if record.state is State.GREEN:
            unpack_head(mirror, record, publication.options.home)
    record = publication.push_head(record, mirror)
    save_record(record, folder)
    write_reports(record, folder, cooking_rules(config))
    with publication.go_on(), closing(Ledger(state / LEDGER)) as ledger:
        hand_over(publication, ledger, record)
    return record
