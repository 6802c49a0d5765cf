"""The files that every worker gets: Integrand's code, and the release's files unless they are in an image."""

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

from sessions.engines.images import Export


@dataclass(frozen=True, kw_only=True)
class Payload:
    """Files in a temporary folder. Workers and the scheduler also import ``worker_code``."""

    folder: tempfile.TemporaryDirectory[str]
    worker_code: Path
    code: Path
    release: Path | None

    @classmethod
    def packed(cls, export: Export | None) -> Payload:
        """Pack the files; ``export`` writes those of the release."""
        temporary = tempfile.TemporaryDirectory(prefix="integrand-")
        folder = Path(temporary.name)
        release = _pack_release(folder, export) if export else None
        return cls(folder=temporary, worker_code=_pack_worker_code(folder), code=_pack_code(folder), release=release)

    @property
    def files(self) -> tuple[Path, ...]:
        """The paths of all files."""
        return tuple(filter(None, (self.worker_code, self.code, self.release)))

    def load_worker_code(self) -> ModuleType:
        """Import the worker code under the name that workers know it by."""
        sys.path.insert(0, self.folder.name)
        try:
            importlib.invalidate_caches()
            return importlib.import_module(self.worker_code.stem)
        finally:
            sys.path.remove(self.folder.name)


# The names of both files change with their content: sessions of several versions may share a cluster.


def _pack_worker_code(folder: Path) -> Path:
    text = Path(__file__).with_name("worker.py").read_bytes()
    place = folder / f"integrand_worker_{hashlib.sha256(text).hexdigest()[:16]}.py"
    place.write_bytes(text)
    return place


def _pack_code(folder: Path) -> Path:
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    packed = folder / "code.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*.py")):
            if "project" in path.relative_to(package).parts:
                continue  # the bundled sample is data, not code
            name, content = path.relative_to(package.parent).as_posix(), path.read_bytes()
            digest.update(b"%s %d " % (name.encode(), len(content)) + content)
            archive.writestr(name, content)
    return packed.rename(folder / f"integrand-{digest.hexdigest()[:16]}.zip")


def _pack_release(folder: Path, export: Export) -> Path:
    archive, files = folder / f"integrand-release-{uuid.uuid4().hex[:12]}.tar.gz", folder / "release"
    export(files)
    with tarfile.open(archive, "w:gz", compresslevel=1) as stream:
        stream.add(files, arcname=".")
    return archive
