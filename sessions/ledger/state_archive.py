"""Pack what another machine needs to continue a day: the ledger, records, logs and documents, as one archive."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from sessions.ledger.record import Record
from sessions.ledger.record_file import PAST, point_latest
from sessions.terminal.errors import InfrastructureError

# The archive's top folder, and the file of a state folder without which there is nothing to continue from.
FOLDER = "integrand-state"
LEDGER = "ledger.sqlite"
_UNPACKING = "unpacking-"


def pack_state(state: Path, record: Record) -> IO[bytes]:
    """Return an archive of a state folder whose newest record is ``record``, as a stream that the caller closes.

    It has only the logs and documents that the record names.
    """
    stream = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    with (
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
        tempfile.TemporaryDirectory() as to,
    ):
        copy = Path(to) / LEDGER
        with closing(sqlite3.connect(state / LEDGER)) as ledger, closing(sqlite3.connect(copy)) as other:
            ledger.backup(other)
        archive.add(copy, f"{FOLDER}/{LEDGER}")
        for path in sorted(_worth_keeping(state, record)):
            archive.add(path, f"{FOLDER}/{path.relative_to(state).as_posix()}")
    stream.seek(0)
    return stream


def unpack_state(stream: IO[bytes], state: Path) -> None:
    """Fill a state folder that has no ledger yet; the ledger comes last, so that half an archive does not count.

    Raises :class:`InfrastructureError` if the archive is not valid.
    """
    try:
        for left in state.glob(f"{_UNPACKING}*"):  # by a call that was killed
            shutil.rmtree(left)
        with (
            tarfile.open(fileobj=stream) as archive,
            tempfile.TemporaryDirectory(dir=state, prefix=_UNPACKING) as scratch,
        ):
            archive.extractall(scratch, filter="data")
            packed = Path(scratch) / FOLDER
            found = [path for path in sorted(packed.rglob("*")) if path.is_file() and path.name != LEDGER]
            for path in [*found, packed / LEDGER]:
                place = state / path.relative_to(packed)
                place.parent.mkdir(parents=True, exist_ok=True)
                path.replace(place)
        for home in _homes(state):
            if days := sorted((home / "days").glob("*/run.json"), key=lambda path: path.stat().st_mtime):
                point_latest(days[-1].parent)
    except (tarfile.TarError, OSError) as error:
        raise InfrastructureError(f"What an earlier call left for this one cannot be read: {error}.") from None


def _homes(state: Path) -> list[Path]:
    """Return the folders of days in a state folder: its own, and those of release lines."""
    return [state, *sorted((state / "lines").glob("*"))]


def _worth_keeping(state: Path, record: Record) -> Iterator[Path]:
    for home in _homes(state):
        yield from (home / "days").glob("*/run.json")
        yield from (home / "days").glob("*/report.*")
        yield from (home / "days").glob("*/*.bundle")
        yield from (home / PAST).glob("*.json")
    yield from (path for path in [state / "refused.json"] if path.is_file())
    yield from (log for probe in record.probes if (log := state / probe.log).is_file())
    yield from (path for path in (state / "artifacts" / record.tree[:12]).rglob("*") if path.is_file())
