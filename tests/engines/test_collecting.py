"""Files that a probe left: found, read and written within bounds, and deleted whatever they are."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.collecting import delete_folder, find_files, read_file, read_files, write_files
from sessions.settings.configuration import EngineSettings

if TYPE_CHECKING:
    from pathlib import Path

BOUNDS = Bounds.of(EngineSettings(), 2**30)
QUOTA = Quota(what="artifacts", files=3, size=100)


def lay(folder: Path, *names: str, size: int = 10) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)


def written(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_files_folders_and_links_of_an_earlier_run_give_way(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    write_files(out, {"a": b"1", "b/c/d": b"2", "e": b"3", "f/g": b"4"})
    (out / "e").unlink()
    (out / "e").symlink_to(tmp_path / "elsewhere" / "file")
    write_files(out, {"a/b": b"5", "b": b"6", "f": b"7"})
    assert written(out) == {"a/b": b"5", "b": b"6", "f": b"7"}
    write_files(out, {"a": b"8", "e/h": b"9"})
    assert written(out) == {"a": b"8", "b": b"6", "f": b"7", "e/h": b"9"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    lay(tmp_path, "victim")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "victim")
    write_files(tmp_path / "out", {"a": b"new"})
    assert (tmp_path / "victim").read_bytes() == b"x" * 10
    assert written(tmp_path / "out") == {"a": b"new"}


@pytest.mark.parametrize(
    ("names", "size", "why"),
    [
        (("a", "b", "c", "d"), 1, "there are more than 3 artifacts"),
        (("a", "b", "c"), 40, "the artifacts are larger than 100 B"),
        (("a",), 101, "the artifacts are larger than 100 B"),
    ],
)
def test_too_many_or_too_large_files_are_not_read(tmp_path: Path, names: tuple[str, ...], size: int, why: str) -> None:
    lay(tmp_path, *names, size=size)
    with pytest.raises(ExceededError, match=why):
        read_files(tmp_path, ("*",), BOUNDS, QUOTA)
    assert list(read_files(tmp_path, ("a", "nothing"), BOUNDS, replace(QUOTA, size=1000))) == ["a"]


def test_too_much_to_look_through_is_not_looked_through(tmp_path: Path) -> None:
    lay(tmp_path, "a", "b/c", "b/d")
    with pytest.raises(ExceededError, match="hold more than 2 files"):
        find_files(tmp_path, ("*",), replace(BOUNDS, entries=2))
    with pytest.raises(ExceededError, match="more than 1 folders"):
        find_files(tmp_path, ("**",), replace(BOUNDS, depth=1))
    assert find_files(tmp_path, ("b/*",), replace(BOUNDS, entries=2)) == ("b/c", "b/d")


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    lay(tmp_path, "file")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    told = {name: read_file(tmp_path / name, QUOTA) for name in ("file", "link", "pipe", "folder", "gone")}
    assert told == {"file": b"x" * 10, "link": None, "pipe": None, "folder": None, "gone": None}


def test_a_folder_deeper_than_a_path_can_be_is_deleted(tmp_path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109  only this and os.chdir know no end of a path
    try:
        os.chdir(tmp_path)
        for _ in range(3000):
            os.mkdir("deep")  # noqa: PTH102
            os.chdir("deep")
    finally:
        os.chdir(here)
    delete_folder(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_its_owner_may_not_change_is_deleted(tmp_path: Path) -> None:
    lay(tmp_path, "a/b/c")
    for name in ("a/b", "a"):
        (tmp_path / name).chmod(0o500)
    delete_folder(tmp_path / "a")
    delete_folder(tmp_path / "never")
    assert list(tmp_path.iterdir()) == []
