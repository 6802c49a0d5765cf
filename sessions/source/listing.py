"""The refs of a repository elsewhere, as of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sessions.source.command import call_git
from sessions.source.refusals import unreadable
from sessions.terminal.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class RemoteRefs:
    """Full ref names with full hex ids.

    ``peeled`` tells for an annotated tag's ref what it points to, ``symbolic`` for a symbolic ref what it stands for.
    """

    refs: dict[str, str]
    peeled: Mapping[str, str]
    symbolic: Mapping[str, str]


def list_remote(url: str) -> RemoteRefs:
    """Ask a repository for its refs. Raises :class:`SourceError` where it is none, or cannot be reached."""
    reply = call_git("ls-remote", "--symref", "--", url, git_dir=None, online=True)
    if reply.status:
        raise SourceError(unreadable(url, reply))
    rows = [line.split("\t", 1) for line in reply.lines()]
    found = {ref: commit for commit, ref in rows if not commit.startswith("ref: ")}
    # `1.0^{}` is what the tag 1.0 points to, not a ref that can be fetched.
    return RemoteRefs(
        refs={ref: commit for ref, commit in found.items() if not ref.endswith("^{}")},
        peeled={ref.removesuffix("^{}"): commit for ref, commit in found.items() if ref.endswith("^{}")},
        symbolic={ref: word.removeprefix("ref: ") for word, ref in rows if word.startswith("ref: ")},
    )
