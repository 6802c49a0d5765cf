"""Files of published packages that tests need and the project does not carry: fetched once, then in pytest's cache."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import refuse


def npm_file(config: pytest.Config, package: str, version: str, member: str) -> bytes:
    """A file of an npm package; the test is refused where npm cannot have it."""
    npm = shutil.which("npm")
    command = [npm or "npm", "pack", "--silent", f"{package}@{version}"]
    name = f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    return _member(config, name, command if npm else None, f"package/{member}")


def sdist_file(config: pytest.Config, package: str, version: str, member: str) -> bytes:
    """A file of a Python package's source distribution; the test is refused where pip cannot have it."""
    words = ["download", "--quiet", "--no-deps", "--no-binary", package, f"{package}=={version}"]
    command = [sys.executable, "-m", "pip", *words]
    return _member(config, f"{package}-{version}.tar.gz", command, f"{package}-{version}/{member}")


def _member(config: pytest.Config, name: str, command: list[str] | None, member: str) -> bytes:
    assert config.cache is not None
    archive: Path = config.cache.mkdir("packages") / name
    if not archive.exists():
        if command is None:
            refuse(f"there is no npm to fetch {name}")
            raise AssertionError
        done = subprocess.run(command, cwd=archive.parent, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode or not archive.exists():
            refuse(f"{name} cannot be fetched: {done.stderr.strip()[-300:]}")
    with tarfile.open(archive) as tar, tar.extractfile(member) as file:  # type: ignore[union-attr]  # it is a file
        return file.read()
