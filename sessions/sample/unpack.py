"""Lays the sample out in a folder: a bare repository and a tracker file."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sessions.sample.history import STORY, history
from sessions.sample.stream import fast_import
from sessions.source.command import call_git
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.sample.history import SampleHistory
    from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Where the sample lies: a bare repository with tags and branches, and the file of its tickets."""

    repository: Path
    tickets: Path


def unpack_sample(folder: Path) -> Sample:
    """Write the sample into ``folder``, unless it is there already; return its paths.

    What was left half-made, or was made from other data, is made anew. Nothing else in the folder is touched.
    The same data give the same commits and the same file on any machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample = Sample(repository=folder / "project.git", tickets=folder / "tickets.toml")
    stamp = folder / "sample.sha256"
    past = history()
    stream = fast_import(past)
    digest = hashlib.sha256(stream + STORY.read_bytes()).hexdigest()
    with _alone_in(folder):
        if not _is_whole(sample, stamp, digest):
            stamp.unlink(missing_ok=True)
            _make(sample, past, stream)
            stamp.write_text(digest, encoding="ascii")  # last: without it, all of the above counts as half-made
    return sample


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from unpacking here; the lock ends with the process, however that ends."""
    with (folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_whole(sample: Sample, stamp: Path, digest: str) -> bool:
    recorded = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    return recorded == digest and sample.repository.is_dir() and sample.tickets.is_file()


def _make(sample: Sample, past: SampleHistory, stream: bytes) -> None:
    fresh = sample.repository.with_name("project.new")
    for old in (fresh, sample.repository):
        if old.exists():
            shutil.rmtree(old)
    ids = _import(fresh, stream)
    sample.tickets.write_text(_tracker_file(past, ids), encoding="utf-8", newline="\n")
    fresh.rename(sample.repository)


def _import(repository: Path, stream: bytes) -> dict[int, str]:
    """Make the repository; return the commit ids by their place in the history."""
    repository.mkdir()
    marks = repository.absolute() / "marks"
    _git(repository, "init", "--quiet", "--bare", "--template=", "--initial-branch=develop", "--object-format=sha1")
    _git(repository, "fast-import", "--quiet", f"--export-marks={marks}", stream=stream)
    lines = [line.split() for line in marks.read_text(encoding="ascii").splitlines()]
    marks.unlink()
    return {int(mark.removeprefix(":")) - 1: commit for mark, commit in lines}


def _git(repository: Path, *arguments: str, stream: bytes = b"") -> None:
    reply = call_git(*arguments, git_dir=repository, put=stream)
    if reply.status:
        raise InfrastructureError(
            f"The sample could not be made in {repository.parent}: git says {reply.last_words!r}."
        )


def _tracker_file(past: SampleHistory, ids: dict[int, str]) -> str:
    """Return the tickets as the file tracker reads them, with the commits that were reviewed."""
    tickets = [
        replace(ticket, commit=ids[past.branches[ticket.number].reviewed]) if ticket.number in past.branches else ticket
        for ticket in past.tickets
    ]
    return "# Made from sessions/sample/sample.toml, which tells what each ticket shows.\n" + "".join(
        f"\n[[ticket]]\n{_table(ticket, past.depends[ticket.number])}" for ticket in tickets
    )


def _table(ticket: Ticket, depends: str) -> str:
    values = {**asdict(ticket), "depends": depends}
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items() if value)


def _value(value: object) -> str:
    # JSON's strings are TOML's, except that TOML wants DEL escaped and knows no surrogates (hence no ASCII).
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
