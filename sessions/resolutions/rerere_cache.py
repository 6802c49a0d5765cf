"""Resolutions that git rerere has recorded in its ``rr-cache``.

See https://git-scm.com/docs/git-rerere and "Documentation/technical/rerere.txt" of git for the folder's layout: one
folder for each conflict, with the file before (``preimage``) and after (``postimage``); further files with the same
conflict have a number in their names.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sessions.resolutions.hunks import read_marked
from sessions.resolutions.model import About, Resolution, ResolutionKind, ResolutionPart

_NAME = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The resolutions of an ``rr-cache``, and the folders whose resolution cannot be told from the rest of the file."""

    resolutions: tuple[Resolution, ...]
    unclear: tuple[str, ...]


def read_rerere_cache(folder: Path, author: str) -> Imported:
    """Read a folder ``rr-cache``. ``author`` is who imports it, as git does not record who resolved a conflict.

    Conflicts that nobody has resolved yet are passed over. Raises OSError if the folder cannot be read.
    """
    found, unclear = list[Resolution](), list[str]()
    for entry in sorted(each for each in folder.iterdir() if _NAME.fullmatch(each.name)):
        finished = list(_pairs(entry))
        readable = [each for pair in finished if (each := _read(entry.name, *pair, author))]
        if readable:
            found.append(readable[0])
        elif finished:
            unclear.append(entry.name)
    return Imported(resolutions=tuple(found), unclear=tuple(unclear))


def _pairs(entry: Path) -> Iterator[tuple[Path, Path]]:
    for before in sorted(entry.glob("preimage*")):
        after = before.with_name(before.name.replace("pre", "post", 1))
        if after.is_file():
            yield before, after


def _read(key: str, before: Path, after: Path, author: str) -> Resolution | None:
    marked = read_marked(before.read_bytes(), has_base=False, has_labels=False)
    texts = marked.texts_in(after.read_bytes()) if marked else None
    if marked is None or texts is None or marked.rerere_id != key:
        return None
    day = dt.datetime.fromtimestamp(after.stat().st_mtime, dt.UTC).date().isoformat()
    parts = {str(place): ResolutionPart(content=text) for place, text in enumerate(texts)}
    return Resolution(
        kind=ResolutionKind.RERERE, key=key, about=About(author=author, date=day, origin=f"rr-cache/{key}"), parts=parts
    )
