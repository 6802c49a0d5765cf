"""What a session writes beside its state folder goes with it, also where it was killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from sessions.day.state_folder import hold_state
from tests.conftest import refuse


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the machine's temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_temporary_files_are_in_one_folder_of_this_user_which_goes_with_the_session(
    place: Path, tmp_path: Path
) -> None:
    with hold_state(tmp_path / "state"):
        Path(tempfile.mkdtemp(), "a").write_text("a")
        (folder,) = place.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert Path(tempfile.gettempdir()) == folder
    assert list(place.iterdir()) == []
    assert Path(tempfile.gettempdir()) == place


def test_what_a_killed_session_left_is_deleted_by_the_next_one_of_its_state_folder(place: Path, tmp_path: Path) -> None:
    if not (child := os.fork()):
        with hold_state(tmp_path / "state"):
            Path(tempfile.mkdtemp(prefix="login-"), "config.json").write_text("secret")
            os._exit(0)
    os.waitpid(child, 0)
    assert [path.read_text() for path in place.rglob("config.json")] == ["secret"]
    with hold_state(tmp_path / "another"):
        assert list(place.rglob("config.json"))
    with hold_state(tmp_path / "state"):
        assert not list(place.rglob("config.json"))


@pytest.mark.parametrize("harm", ["link", "file", "folder of another user"])
def test_a_folder_of_somebody_else_is_neither_used_nor_emptied(place: Path, tmp_path: Path, harm: str) -> None:
    if harm == "folder of another user" and os.geteuid():
        refuse("giving a folder to another user needs root")
    with hold_state(tmp_path / "state"):
        (folder,) = place.iterdir()
    bait = tmp_path / "bait"
    bait.mkdir()
    (bait / "kept").write_text("kept")
    if harm == "link":
        folder.symlink_to(bait)
    elif harm == "file":
        folder.write_text("kept")
    else:
        folder.mkdir()
        os.chown(folder, 12345, 12345)
    with hold_state(tmp_path / "state"):
        made = Path(tempfile.mkdtemp())
        assert made.parent == place
        made.rmdir()
    assert [path.name for path in bait.iterdir()] == ["kept"]
    assert folder.exists()
