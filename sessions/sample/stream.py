"""A history as one stream for ``git fast-import``: nothing in it depends on machine, user or clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.sample.commits import Commit
    from sessions.sample.history import SampleHistory


def fast_import(history: SampleHistory) -> bytes:
    """Return the stream; a commit's mark is its place in the history plus one, as marks begin at one."""
    return b"".join(_parts(history))


def _parts(history: SampleHistory) -> Iterator[bytes]:
    for place, commit in enumerate(history.commits):
        yield from _commit(place, commit)
    for tag, place in history.releases.items():
        who = _who(history.commits[place])
        yield f"tag {tag}\nfrom :{place + 1}\ntagger {who}\n".encode() + _data(f"Release {tag}\n")
    for branch in history.branches.values():
        yield _reset(branch.name, branch.tip)
    yield _reset("develop", history.newest)


def _commit(place: int, commit: Commit) -> Iterator[bytes]:
    # A commit must be on some branch; `develop` is put where it belongs at the stream's end.
    who = _who(commit)
    yield f"commit refs/heads/develop\nmark :{place + 1}\nauthor {who}\ncommitter {who}\n".encode()
    yield _data(commit.message)
    if commit.parent is not None:
        yield f"from :{commit.parent + 1}\n".encode()
    for path, text in commit.files.items():
        # The mode is read from the text: archives and some file systems lose the executable bit.
        mode = "100755" if text.startswith("#!") else "100644"
        yield f"M {mode} inline {path}\n".encode() + _data(text)


def _who(commit: Commit) -> str:
    name = commit.author.partition(" <")[0]
    return f"{name} <{name.split()[0].lower()}@example.org> {int(commit.date.timestamp())} +0000"


def _data(text: str) -> bytes:
    content = text.encode()
    return f"data {len(content)}\n".encode() + content + b"\n"


def _reset(branch: str, place: int) -> bytes:
    return f"reset refs/heads/{branch}\nfrom :{place + 1}\n\n".encode()
