"""The copy of the repository that goes into an image: complete since the release, and silent about where it is from."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from sessions.source.merging import Candidate, Merger
from sessions.source.mirror import Mirror
from sessions.source.shallow import copy_since
from tests.repositories import Builder, ticket


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "safe.directory=*", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def copied(builder: Builder, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A head with two tickets, one of which began before the release, as a folder with files and ``.git``."""
    old = builder.commit({"a.txt": "1\n", "b.txt": "1\n", "old.txt": "x\n" * 1000})
    base = builder.commit({"a.txt": "2\n"}, old)
    builder.tag("1.0")
    early = builder.commit({"b.txt": "early\n"}, old, branch="early")
    late = builder.commit({"c.txt": "late\n"}, base, branch="late")
    mirror = Mirror.of(str(builder.path), tmp_path / "state")
    release = mirror.release("latest")
    mirror.fetch_branches({1: "early", 2: "late"})
    merger = Merger(mirror.repository, release, dt.date(2026, 11, 23), "A <a@localhost>")
    both = merger.combine([ticket(1, commit=early), ticket(2, commit=late)])
    merger.close()
    assert isinstance(both, Candidate)
    head = both.commit
    folder = tmp_path / "copy"
    copy_since(mirror.repository, release, head, "1.0+integration-2026-11-23", folder / ".git")
    git(folder, "checkout-index", "--all")
    return folder, {"early": early, "late": late, "base": base, "old": old, "head": head}


def test_the_log_and_each_tickets_change_can_be_read(copied: tuple[Path, dict[str, str]]) -> None:
    folder, commits = copied
    assert git(folder, "rev-parse", "HEAD") == commits["head"]
    assert git(folder, "branch", "--show-current") == "1.0+integration-2026-11-23"
    assert git(folder, "log", "--first-parent", "--format=%s", "1.0..").splitlines() == ["#2: Ticket 2", "#1: Ticket 1"]
    assert "+early" in git(folder, "show", commits["early"])
    assert "+late" in git(folder, "show", commits["late"])
    assert git(folder, "diff", "--stat", "1.0", "HEAD", "--", "old.txt") == ""
    assert git(folder, "status", "--porcelain") == ""
    git(folder, "fsck", "--strict")


def test_it_is_shallow_and_names_no_place(copied: tuple[Path, dict[str, str]], builder: Builder) -> None:
    folder, commits = copied
    # What both tickets began at is there; how it became so is not.
    assert set((folder / ".git" / "shallow").read_text().split()) == {commits["base"], commits["old"]}
    assert git(folder, "remote") == ""
    texts = [path.read_bytes() for path in (folder / ".git").rglob("*") if path.is_file()]
    assert not any(bytes(builder.path.parent) in text for text in texts)
