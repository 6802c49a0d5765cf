"""Archives as an engine gives them, also broken off."""

from __future__ import annotations

import io
import tarfile

import pytest

from sessions.engines.archives import overlay_archive, plain_files, scripts_archive
from sessions.source.overlay_files import OverlayFile

SCRIPTS = {"first.sh": "echo 1\n", "second.sh": "echo 2\n" * 200}
WHOLE = scripts_archive("room", SCRIPTS, (0, 0)).rstrip(b"\0") + bytes(1024)


def test_an_archive_gives_its_files_in_whatever_chunks_it_comes() -> None:
    chunks = [WHOLE[start : start + 700] for start in range(0, len(WHOLE), 700)]
    assert plain_files(chunks, len(WHOLE)) == {f"room/{name}": text.encode() for name, text in SCRIPTS.items()}


def test_an_archive_broken_off_anywhere_is_none_without_some_of_its_files() -> None:
    for size in range(0, len(WHOLE) - 512, 256):
        with pytest.raises(tarfile.ReadError):
            plain_files([WHOLE[:size]], len(WHOLE))


def test_an_overlay_puts_in_files_links_and_empty_folders() -> None:
    overlay = (
        OverlayFile(path="gone"),
        OverlayFile(path="lib", mode=0o160000, content=b""),
        OverlayFile(path="a/tool", mode=0o100755, content=b"#!/bin/sh\n"),
        OverlayFile(path="link", mode=0o120000, content=b"a/tool"),
    )
    with tarfile.open(fileobj=io.BytesIO(overlay_archive(overlay, (7, 8)))) as archive:
        found = {each.name: (each.type, each.mode, each.linkname, each.uid, each.gid) for each in archive}
    assert found == {
        "lib": (tarfile.DIRTYPE, 0o755, "", 7, 8),
        "a/tool": (tarfile.REGTYPE, 0o755, "", 7, 8),
        "link": (tarfile.SYMTYPE, 0, "a/tool", 7, 8),
    }


def test_an_archive_too_large_is_not_read() -> None:
    assert plain_files([WHOLE, WHOLE], len(WHOLE)) is None
