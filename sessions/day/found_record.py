"""A run record from elsewhere, and the bundle of commits beside it: in a folder, or at a web address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

import requests

from sessions.ledger.record import Record
from sessions.ledger.record_file import folder_of, load_record, read_record, records_before
from sessions.source.evidence_bundle import BUNDLE
from sessions.source.refusals import without_secret
from sessions.terminal.errors import InfrastructureError, UsageError

_NAME = "run.json"
_SECONDS = 60
# A day of Sage's size has a record of 3 MB, and its evidence is smaller.
_LARGEST = 512 * 1024 * 1024
_CHUNK = 2**16


@contextmanager
def find_record(address: str | None, state: Path) -> Iterator[tuple[Record, Path]]:
    """Yield the record at ``address``, or the newest of a state folder, and where its bundle is if it has one.

    Raises :class:`UsageError` if there is no record that can be read, and :class:`InfrastructureError` if a
    web address does not answer.
    """
    if address is None:
        yield _newest_run(state)
    elif re.match(r"https?://", address):
        with TemporaryDirectory(prefix="integrand-") as scratch:
            folder = Path(scratch)
            if not _download(address, folder / _NAME):
                raise UsageError(f"There is no run record at {without_secret(address)}.")
            record = _read(folder / _NAME, without_secret(address))
            _download(urljoin(address, BUNDLE), folder / BUNDLE)
            yield record, folder / BUNDLE
    else:
        path = Path(address)
        path = path / _NAME if path.is_dir() else path
        yield _read(path, str(path)), path.with_name(BUNDLE)


def _newest_run(state: Path) -> tuple[Record, Path]:
    """Return the newest record in which tests ran, if there is one: a plan, made later, breaks nothing."""
    record, folder = load_record(state), state / "latest"
    if record.options.plan:
        record = next(records_before(state / "days", None), record)
        folder = folder_of(record, state)
    return record, folder / BUNDLE


def _read(path: Path, name: str) -> Record:
    try:
        return read_record(path)
    except FileNotFoundError:
        raise UsageError(f"There is no run record {name}: name the {_NAME} beside the report.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name} cannot be read as a run record ({error}): copy it again.") from None


def _download(address: str, path: Path) -> bool:
    """Write what is at an address to a file, and return whether there was anything."""
    shown = without_secret(address)
    try:
        with requests.get(address, timeout=_SECONDS, stream=True) as reply, path.open("wb") as file:
            if reply.status_code in (404, 410):
                path.unlink()
                return False
            reply.raise_for_status()
            size = 0
            for chunk in reply.iter_content(_CHUNK):
                size += len(chunk)
                if size > _LARGEST:
                    raise InfrastructureError(f"{shown} is larger than {_LARGEST // 2**20} MiB, and is not read.")
                file.write(chunk)
    except requests.RequestException as error:
        reason = without_secret(str(error)).rstrip(".")
        raise InfrastructureError(f"{shown} cannot be fetched ({reason}): download it, and name the file.") from None
    return True
