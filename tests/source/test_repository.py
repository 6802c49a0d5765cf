from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sessions.source.repository import Repository
from sessions.source.tree_reader import TreeReader
from sessions.terminal.errors import SourceError

if TYPE_CHECKING:
    from tests.repositories import Builder, Content

FILES: dict[str, Content] = {
    "empty": "",
    "bytes": b"\0\xff missing\n",
    "a b": "1\n",
    "two\nlines": "2\n",
    "neu/\udcff": "3\n",
    "x blob 3": "4\n",
}


def test_an_object_just_written_is_read_without_a_process_and_others_are_not(builder: Builder) -> None:
    builder.commit({"a": "1\n"})
    repository = Repository.open(builder.path)
    tree, blob = (builder.git("rev-parse", name) for name in ("main^{tree}", "main:a"))
    raw = repository.read_objects([tree], "tree")[tree]
    assert (repository.read_loose(tree), repository.read_loose(blob)) == (raw, b"1\n")
    assert [repository.read_loose(name) for name in ("0" * 40, "main^{tree}", "")] == [None] * 3
    place = builder.path / "objects" / tree[:2] / tree[2:]
    place.chmod(0o644)
    place.write_bytes(b"broken")
    assert repository.read_loose(tree) is None
    place.unlink()
    with pytest.raises(SourceError, match="lacks the object"):
        TreeReader(repository).find(tree)


def test_many_blobs_are_read_at_once_and_what_is_missing_is_left_out(builder: Builder) -> None:
    commit = builder.commit(FILES)
    names = [f"{commit}:{path}" for path in FILES]
    repository = Repository.open(builder.path)
    blob = builder.git("rev-parse", f"{commit}:a b")
    nothing = ["0" * 40, f"{commit}:no\nwhere", f"{commit}:neu", f"{commit}:x missing"]
    found = repository.read([nothing[0], *names[:3], *nothing[1:], *names[3:], blob, blob])
    wanted = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in zip(names, FILES.values(), strict=True)
    }
    assert found == wanted | {blob: b"1\n"}
    assert repository.read([]) == {}
