"""`nox -s quick` is quick because of what it leaves out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import noxfile
from tests.conftest import LONGEST

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"daemon", "registry", "podman", "bench", "browser", "page", "contract", "axe"}


def test_each_folder_that_is_left_out_exists() -> None:
    assert not [name for name in noxfile.WHOLE if not (ROOT / "tests" / name).is_dir()]


@pytest.mark.slow
def test_no_quick_test_sets_up_an_engine_a_browser_or_a_server() -> None:
    words = [sys.executable, "-m", "pytest", "--setup-plan", "-p", "no:cacheprovider", *noxfile.QUICK_TESTS]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    fixtures = set(re.findall(r"SETUP +[SPCMF] (\w+)", done.stdout))
    assert "tmp_path" in fixtures
    assert not fixtures & HEAVY
    assert len(re.findall(r"^ +tests/\S+::", done.stdout, re.MULTILINE)) > 1000


def test_each_file_that_comes_first_exists() -> None:
    present = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert not set(LONGEST) - present
