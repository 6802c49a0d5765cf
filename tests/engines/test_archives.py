"""Archives as an engine gives them, also broken off."""

from __future__ import annotations

import tarfile

import pytest

from sessions.engines.archives import plain_files, scripts_archive

SCRIPTS = {"first.sh": "echo 1\n", "second.sh": "echo 2\n" * 200}
WHOLE = scripts_archive("room", SCRIPTS, (0, 0)).rstrip(b"\0") + bytes(1024)


def test_an_archive_gives_its_files_in_whatever_chunks_it_comes() -> None:
    chunks = [WHOLE[start : start + 700] for start in range(0, len(WHOLE), 700)]
    assert plain_files(chunks, len(WHOLE)) == {f"room/{name}": text.encode() for name, text in SCRIPTS.items()}


def test_an_archive_broken_off_anywhere_is_none_without_some_of_its_files() -> None:
    for size in range(0, len(WHOLE) - 512, 256):
        with pytest.raises(tarfile.ReadError):
            plain_files([WHOLE[:size]], len(WHOLE))


def test_an_archive_too_large_is_not_read() -> None:
    assert plain_files([WHOLE, WHOLE], len(WHOLE)) is None
