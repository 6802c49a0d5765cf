"""`nox -s release`: what it refuses, and the tag and notes that it makes, in a copy of this folder."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sessions import __version__
from sessions.terminal.errors import UsageError
from tests.repositories import run_git
from tools.release import check_is_clean, check_is_new, find_notes

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 11, 26)
GOOD = "# Changelog\n\n## 1.2.0 (2026-11-26)\n\n- New: this.\n\n### Fixed\n\n- That.\n\n## 1.1.0 (2026-01-01)\n\nOld.\n"


def test_notes_are_the_text_of_the_first_section() -> None:
    assert find_notes(GOOD, "1.2.0", TODAY) == "- New: this.\n\n### Fixed\n\n- That.\n"


@pytest.mark.parametrize(
    ("changelog", "message"),
    [
        ("", r"The first section of CHANGELOG\.md is ''\. Begin it with `## 1\.2\.0 \(2026-11-26\)`"),
        (GOOD.replace("1.2.0", "1.20"), r"is '1\.20 \(2026-11-26\)'"),
        (GOOD.replace("1.2.0", "1x2.0"), r"is '1x2\.0 \(2026-11-26\)'"),
        (GOOD.replace(" (2026-11-26)", ""), r"is '1\.2\.0'"),
        (f"## Unreleased\n\n- More.\n\n{GOOD}", r"is 'Unreleased'"),
        (GOOD.replace("-11-26", "-11-27"), r"dates 1\.2\.0 2026-11-27: write the day of the release, 2026-11-26"),
        (GOOD.replace("-11-26", "-13-26"), r"dates 1\.2\.0 2026-13-26"),
        ("## 1.2.0 (2026-11-26)\n\n## 1.1.0 (2026-01-01)\n\nOld.\n", r"says nothing about 1\.2\.0"),
    ],
)
def test_a_changelog_that_is_not_ready_is_refused(changelog: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_notes(changelog, "1.2.0", TODAY)


def test_what_is_not_committed_is_named() -> None:
    check_is_clean("")
    with pytest.raises(UsageError, match=r"^Not committed: README\.md, new\.txt\. Commit"):
        check_is_clean(" M README.md\n?? new.txt\n")
    with pytest.raises(UsageError, match=r"^Not committed: a0, a1, a2, a3, a4 and 3 more\."):
        check_is_clean("".join(f"?? a{number}\n" for number in range(8)))


def test_a_tag_is_made_once() -> None:
    check_is_new("v1.2.0", "")
    with pytest.raises(UsageError, match=r"^The tag v1\.2\.0 exists\. Raise __version__ in sessions/__init__\.py"):
        check_is_new("v1.2.0", "v1.2.0\n")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of its own with the files of this folder, all committed."""
    folder = tmp_path / "integrand"
    names = run_git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in names:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    run_git("init", "--quiet", cwd=folder)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    run_git("add", "--all", cwd=folder)
    run_git("commit", "--quiet", "--message", "All", cwd=folder)


def release(folder: Path, *checks: str) -> tuple[int, str]:
    """Type `nox -s release -- CHECKS`; the status, and all that was printed."""
    person = {f"GIT_{role}_{key}": "you@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    words: Sequence[str] = (sys.executable, "-m", "nox", "--no-color", "-s", "release", "--", *checks)
    done = subprocess.run(
        words, cwd=folder, env=os.environ | person, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout.decode()


def tags(folder: Path) -> list[str]:
    return run_git("tag", "--list", cwd=folder).split()


@pytest.mark.slow
def test_a_release_tags_and_writes_the_notes(clone: Path) -> None:
    status, printed = release(clone, "lint")
    assert status == 0, printed
    assert tags(clone) == [f"v{__version__}"]
    assert run_git("rev-parse", f"v{__version__}^{{commit}}", cwd=clone) == run_git("rev-parse", "HEAD", cwd=clone)
    notes = (clone / "build" / f"notes-{__version__}.md").read_text(encoding="utf-8")
    assert run_git("tag", "--list", "--format=%(contents)", cwd=clone).strip() == notes.strip()
    assert f"git push origin v{__version__}" in printed
    assert run_git("status", "--porcelain", cwd=clone).strip() == ""
    status, printed = release(clone, "lint")
    assert status == 1
    assert f"The tag v{__version__} exists." in printed


@pytest.mark.slow
def test_a_failing_check_leaves_no_tag(clone: Path) -> None:
    (clone / "sessions" / "unused.py").write_text("import os\n")
    status, printed = release(clone, "lint")
    assert status == 1
    assert "Not committed: sessions/unused.py." in printed
    commit(clone)
    status, printed = release(clone, "lint")
    assert status == 1
    assert "F401" in printed
    assert tags(clone) == []
    assert not (clone / "build").exists()
