"""Pack images and commits into ``STATE/packed`` for a session on another machine; ``--pack`` requests it.

So a job that runs tickets' code needs no permission to push, and a job that pushes runs no such code.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from sessions.engines.images import ImageStore
from sessions.engines.probe import Image
from sessions.ledger.record import ImageKind, Record, RecordedImage
from sessions.ledger.record_file import write_whole
from sessions.publishing.recorded_head import fetch_head, pack_head
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console

_IMAGES, _INDEX, _HEAD = "images.tar", "images.json", "head.bundle"


def pack(store: ImageStore | None, mirror: Mirror, record: Record, state: Path) -> None:
    """Write the record's images and head into the state folder, instead of those of an earlier call.

    An image that was pulled is left out: the other machine pulls it, too.

    Raises :class:`InfrastructureError` or :class:`SourceError` if they cannot be read.
    """
    folder = state / "packed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if record.order:
        pack_head(mirror, record, folder / _HEAD)
    names = _names(store, record.images) if store else {}
    if store and names:
        store.transfer.save(list(names), folder / _IMAGES)
        write_whole(folder / _INDEX, json.dumps(names, indent=2) + "\n")


def unpack_images(store: ImageStore, state: Path, console: Console) -> None:
    """Load the packed images, unless all of them are in the engine.

    Raises :class:`InfrastructureError` if the archive cannot be loaded, or an image in it is another than packed.
    """
    folder = state / "packed"
    if not (folder / _INDEX).is_file():
        return
    names = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    if store.transfer.load(names, folder / _IMAGES):
        console.detail(f"{len(names)} images are loaded from {folder / _IMAGES}")


def unpack_head(mirror: Mirror, record: Record, state: Path) -> None:
    """Bring the packed head into the mirror. Raises :class:`SourceError` if it cannot be read."""
    fetch_head(mirror, record, state / "packed" / _HEAD)


def _names(store: ImageStore, images: Sequence[RecordedImage]) -> dict[str, str]:
    """Return the images to pack: the id of each name."""
    names = {image.name: image.id for image in images if image.kind is not ImageKind.RELEASE and image.id}
    for image in images:
        if image.kind is ImageKind.RELEASE:
            names |= store.transfer.names_here(Image(id=image.id, name=image.name))
    return names
