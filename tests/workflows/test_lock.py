"""The lock of what the workflow installs: it has what the noxfile asks for, each with hashes, and pip takes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nox
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / ".github" / "requirements.txt"
ENTRIES = LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def test_each_entry_has_one_version_and_hashes() -> None:
    assert ENTRIES
    for entry in ENTRIES:
        assert re.match(r"[\w.-]+(\[[\w,]+\])?==[\w.]+ ", entry), entry
        assert "--hash=sha256:" in entry
        assert "://" not in entry


def test_all_that_the_noxfile_asks_for_is_locked_at_a_version_that_it_takes() -> None:
    locked = {canonicalize_name(name): version for entry in ENTRIES for name, version in [entry.split()[0].split("==")]}
    for text in nox.project.load_toml(ROOT / "noxfile.py")["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), f"type `nox -s lock`: {text}"


@pytest.mark.slow
def test_pip_takes_the_lock_and_refuses_another_file(tmp_path: Path) -> None:
    def install(lock: Path) -> subprocess.CompletedProcess[str]:
        words = ("install", "--dry-run", "--ignore-installed", "--quiet", "--require-hashes", "--only-binary", ":all:")
        command = [sys.executable, "-m", "pip", *words, "-r", str(lock)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = install(LOCK)
    assert done.returncode == 0, done.stderr
    changed = tmp_path / "requirements.txt"
    changed.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", LOCK.read_text(encoding="utf-8")))
    assert "DO NOT MATCH THE HASHES" in install(changed).stderr
