"""Files as the archives in which Docker takes and gives them."""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from sessions.source.overlay_files import Overlay

Owner = tuple[int, int]
# Of an archive, by POSIX' pax: "two 512-byte blocks filled with binary zeros".
_END = bytes(2 * tarfile.BLOCKSIZE)


def scripts_archive(folder: str, scripts: Mapping[str, str], owner: Owner) -> bytes:
    """A new folder with executable scripts in it, by name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        room = _info(folder, 0o755, owner)
        room.type = tarfile.DIRTYPE
        archive.addfile(room)
        for name, text in scripts.items():
            content = text.encode("utf-8", "surrogateescape")
            archive.addfile(_info(f"{folder}/{name}", 0o755, owner, len(content)), io.BytesIO(content))
    return stream.getvalue()


def overlay_archive(overlay: Overlay, owner: Owner) -> bytes:
    """The files that an overlay puts in."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in overlay:
            if file.content is None:
                continue
            info = _info(file.path, file.mode & 0o777, owner)
            if file.is_folder:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            elif file.mode == 0o120000:
                info.type, info.linkname = tarfile.SYMTYPE, file.content.decode("utf-8", "surrogateescape")
                archive.addfile(info)
            else:
                info.size = len(file.content)
                archive.addfile(info, io.BytesIO(file.content))
    return stream.getvalue()


def folders_archive(folders: Mapping[str, Path], owner: Owner) -> IO[bytes]:
    """Whole folders, or single files, under the names of the keys: a stream to read and to close."""

    def owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid, info.gid = owner
        info.uname = info.gname = ""
        return info

    stream = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, folder in folders.items():
            archive.add(folder, arcname=name, filter=owned)
    stream.seek(0)
    return stream


def plain_files(chunks: Iterable[bytes], largest: int) -> dict[str, bytes] | None:
    """The plain files of an archive by name, and no links or devices; ``None`` for more than ``largest`` bytes.

    Raises :class:`tarfile.ReadError` for an archive that was cut anywhere.
    """
    with tempfile.TemporaryFile() as stream:
        for chunk in chunks:
            stream.write(chunk)
            if stream.tell() > largest:
                return None
        # Between two files, `tarfile` takes a cut for the end.
        stream.seek(-min(len(_END), stream.tell()), io.SEEK_END)
        if stream.read() != _END:
            raise tarfile.ReadError("the archive has no end")
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:
            files = [member for member in archive if member.isfile()]
            return {file.name: body.read() for file in files if (body := archive.extractfile(file))}


def _info(name: str, mode: int, owner: Owner, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.size, info.mtime = mode, size, int(time.time())
    info.uid, info.gid = owner
    return info
