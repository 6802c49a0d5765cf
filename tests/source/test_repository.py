from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.source.repository import Repository

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
