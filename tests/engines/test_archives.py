"""Archives as an engine gives them: also broken off, and with more in them than may be read."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from sessions.engines.bounds import Bounds, ExceededError, Quota
from sessions.engines.docker.archives import overlay_archive, plain_files, scripts_archive
from sessions.settings.configuration import EngineSettings
from sessions.source.overlay_files import OverlayFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCRIPTS = {"first.sh": "echo 1\n", "second.sh": "echo 2\n" * 200}
WHOLE = scripts_archive("room", SCRIPTS, (0, 0)).rstrip(b"\0") + bytes(1024)
BOUNDS = Bounds.of(EngineSettings(), 2**30)
QUOTA = Quota(what="scripts", files=2, size=2**20)


def read(chunks: Iterable[bytes], bounds: Bounds = BOUNDS, quota: Quota = QUOTA) -> dict[str, bytes]:
    return plain_files(chunks, lambda name: name, bounds, quota)


def test_an_archive_gives_its_files_in_whatever_chunks_it_comes() -> None:
    chunks = [WHOLE[start : start + 700] for start in range(0, len(WHOLE), 700)]
    assert read(chunks) == {f"room/{name}": text.encode() for name, text in SCRIPTS.items()}


def test_only_the_files_that_are_chosen_are_read_and_under_their_new_names() -> None:
    assert plain_files([WHOLE], {"room/first.sh": "1"}.get, BOUNDS, QUOTA) == {"1": b"echo 1\n"}


def test_an_archive_broken_off_anywhere_is_none_without_some_of_its_files() -> None:
    for size in range(0, len(WHOLE) - 512, 256):
        with pytest.raises(tarfile.ReadError):
            read([WHOLE[:size]])


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.PAX_FORMAT)


@pytest.mark.parametrize(
    ("quota", "bounds", "why"),
    [
        (replace(QUOTA, files=1), BOUNDS, "there are more than 1 scripts"),
        (replace(QUOTA, size=1000), BOUNDS, "the scripts are larger than 1000 B"),
        (replace(QUOTA, size=1000, key="artifacts"), BOUNDS, r"than 1000 B \(\[engine\] artifacts sets how much\)"),
        (QUOTA, replace(BOUNDS, entries=2), "hold more than 2 files"),
        (QUOTA, replace(BOUNDS, searched=1000), "are larger than 1000 B"),
        (QUOTA, replace(BOUNDS, depth=1), "a file lies in more than 1 folders: 'room/first.sh'"),
        (QUOTA, replace(BOUNDS, path=10), "a file's path has more than 10 bytes: 'room/first.sh'"),
    ],
)
def test_an_archive_with_more_than_may_be_read_is_not_read(quota: Quota, bounds: Bounds, why: str) -> None:
    with pytest.raises(ExceededError, match=why) as error:
        read([WHOLE], bounds, quota)
    assert error.value.ending == "too large"


def test_of_a_file_that_is_too_large_nothing_is_read_but_its_size() -> None:
    def endless() -> Iterator[bytes]:
        yield header("huge", 2**50)
        yield bytes(tarfile.RECORDSIZE)
        raise AssertionError

    with pytest.raises(ExceededError, match="the scripts are larger than 1 MiB"):
        read(endless())


def test_a_million_of_files_takes_no_memory() -> None:
    names = (header(f"{number}", 0) for number in range(20_000))
    tracemalloc.start()
    assert plain_files((*islice(names, 20_000), bytes(1024)), lambda _name: None, BOUNDS, QUOTA) == {}
    tracemalloc.stop()


def test_links_devices_and_pipes_are_left_out() -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE)
    stream = io.BytesIO()
    for kind in kinds:
        stream.write(header(f"odd{kind!r}", 0, kind))
    assert read([stream.getvalue(), bytes(1024)]) == {}


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
