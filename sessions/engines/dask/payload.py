"""The files that every worker on another machine is given: our code, and the release where no image brings it."""

from __future__ import annotations

import hashlib
import importlib
import sys
import tarfile
import tempfile
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sessions.engines import Export


@dataclass(frozen=True, kw_only=True)
class Payload:
    """Files in a folder that goes with them. ``worker_code`` is also imported by workers, and by the scheduler."""

    room: tempfile.TemporaryDirectory[str]
    worker_code: Path
    code: Path
    release: Path | None

    @classmethod
    def packed(cls, export: Export | None) -> Payload:
        """Pack them; ``export`` writes the release's files."""
        room = tempfile.TemporaryDirectory(prefix="integrand-")
        folder = Path(room.name)
        release = _pack_release(folder, export) if export else None
        return cls(room=room, worker_code=_pack_worker_code(folder), code=_pack_code(folder), release=release)

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(filter(None, (self.worker_code, self.code, self.release)))

    def load_worker_code(self) -> ModuleType:
        """The courier under the name that workers know it by."""
        sys.path.insert(0, self.room.name)
        try:
            importlib.invalidate_caches()
            return importlib.import_module(self.worker_code.stem)
        finally:
            sys.path.remove(self.room.name)


# The names of courier and code change with their content: sessions of several versions may share a cluster.


def _pack_worker_code(folder: Path) -> Path:
    text = Path(__file__).with_name("worker.py").read_bytes()
    place = folder / f"integrand_courier_{hashlib.sha256(text).hexdigest()[:16]}.py"
    place.write_bytes(text)
    return place


def _pack_code(folder: Path) -> Path:
    ours = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    packed = folder / "code.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(ours.rglob("*.py")):
            if "project" in path.relative_to(ours).parts:
                continue  # the bundled sample is material, not code
            name, content = path.relative_to(ours.parent).as_posix(), path.read_bytes()
            digest.update(b"%s %d " % (name.encode(), len(content)) + content)
            archive.writestr(name, content)
    return packed.rename(folder / f"integrand-{digest.hexdigest()[:16]}.zip")


def _pack_release(folder: Path, export: Export) -> Path:
    archive, files = folder / f"integrand-release-{uuid.uuid4().hex[:12]}.tar.gz", folder / "release"
    export(files)
    with tarfile.open(archive, "w:gz", compresslevel=1) as stream:
        stream.add(files, arcname=".")
    return archive
