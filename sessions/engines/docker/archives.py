"""Write and read the tar archives in which Docker transfers files."""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from sessions.engines.bounds import Bounds, Quota
from sessions.source.overlay_files import Overlay

Owner = tuple[int, int]
# Of an archive, by POSIX' pax: "two 512-byte blocks filled with binary zeros".
_END = bytes(2 * tarfile.BLOCKSIZE)


def scripts_archive(folder: str, scripts: Mapping[str, str], owner: Owner) -> bytes:
    """Return an archive of a new folder with executable scripts, given by name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        room = _info(folder, 0o755, owner)
        room.type = tarfile.DIRTYPE
        archive.addfile(room)
        for name, text in scripts.items():
            content = text.encode("utf-8", "surrogateescape")
            archive.addfile(_info(f"{folder}/{name}", 0o755, owner, len(content)), io.BytesIO(content))
    return stream.getvalue()


def overlay_archive(overlay: Overlay, owner: Owner) -> bytes:
    """Return an archive of the files that an overlay writes."""
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
    """Return an archive of folders or files under the names of the keys, as a stream that the caller closes."""

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


def plain_files(
    chunks: Iterable[bytes], choose: Callable[[str], str | None], bounds: Bounds, quota: Quota
) -> dict[str, bytes]:
    """Return the plain files of an archive, without links and devices, by the names that ``choose`` returns.

    ``choose`` gets a name in the archive, and returns ``None`` to skip it.

    Raises :class:`tarfile.ReadError` for an archive that was cut off, and :class:`ExceededError` as soon as there are
    too many or too large files.
    """
    stream, found, size = _Stream(chunks, bounds), dict[str, bytes](), 0
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:
        for entries, member in enumerate(archive, start=1):
            archive.members = []  # type: ignore[attr-defined]  # a million of them would stay in memory
            bounds.check_search(entries, stream.size)
            name = choose(member.name) if member.isfile() else None
            if name is None:
                continue
            bounds.check_path(name)
            size += member.size
            quota.check(len(found) + 1, size)
            if body := archive.extractfile(member):
                found[name] = body.read()
    stream.finish()
    return found


class _Stream(io.RawIOBase):
    """Chunks of an archive as a file to read once."""

    def __init__(self, chunks: Iterable[bytes], bounds: Bounds) -> None:
        self._chunks, self._bounds = iter(chunks), bounds
        self._rest, self._tail, self.size = b"", b"", 0

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, None)) is not None:
            self._rest += chunk
            self._tail = (self._tail + chunk)[-len(_END) :]
            self.size += len(chunk)
            self._bounds.check_search(0, self.size)
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def finish(self) -> None:
        """Read to the end. Raises :class:`tarfile.ReadError` if the archive was cut off."""
        # `tarfile` does not notice if an archive was cut off between two files.
        while self.read(tarfile.RECORDSIZE):
            pass
        if self._tail != _END:
            raise tarfile.ReadError("the archive has no end")


def _info(name: str, mode: int, owner: Owner, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    # With fractions, which pax archives keep: a file is younger than what was built of it in the same second.
    info.mode, info.size, info.mtime = mode, size, time.time()
    info.uid, info.gid = owner
    return info
