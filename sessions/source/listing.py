"""List the refs of a remote repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sessions.source.command import call_git
from sessions.source.refusals import unreadable
from sessions.terminal.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class RemoteRefs:
    """The refs of a remote repository: full ref names with full hex ids.

    ``peeled`` maps the ref of an annotated tag to the object that the tag points to in the end, and ``symbolic`` maps
    a symbolic ref to its target.
    """

    refs: dict[str, str]
    peeled: Mapping[str, str]
    symbolic: Mapping[str, str]

    def tip(self, branch: str) -> str | None:
        """Return the commit at a branch: a short name, or a full ref such as ``refs/pull/7/head``."""
        return self.refs.get(full_ref(branch))

    def head_ref(self, branch: str) -> str | None:
        """Return the full ref of a branch. In a clone, origin's branch is preferred to the local one."""
        names = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
        is_clone = "refs/remotes/origin/HEAD" in self.refs
        return next((name for name in (names if is_clone else reversed(names)) if name in self.refs), None)

    @property
    def default_branch(self) -> str:
        """Return the name of the default branch (in a clone: of origin's), empty if it is unknown."""
        for name, prefix in (("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")):
            if name in self.symbolic:
                return self.symbolic[name].removeprefix(prefix)
        same = (ref for ref in self.refs if ref.startswith("refs/heads/") and self.refs[ref] == self.refs["HEAD"])
        return next(same, "").removeprefix("refs/heads/") if "HEAD" in self.refs else ""

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags, each with the object that it points to in the end."""
        refs = (ref for ref in self.refs if ref.startswith("refs/tags/"))
        return {ref.removeprefix("refs/tags/"): self.peeled.get(ref, self.refs[ref]) for ref in refs}


def full_ref(branch: str) -> str:
    """Return the full ref of a branch from its short or full name."""
    return branch if branch.startswith("refs/") else f"refs/heads/{branch}"


def is_ref(name: str) -> bool:
    """Whether a listed name is that of a ref: ``1.0^{}`` is what the tag 1.0 points to, and cannot be fetched."""
    return not name.endswith("^{}")


def list_remote(url: str) -> RemoteRefs:
    """List the refs of a repository. Raises :class:`SourceError` if it is no repository, or cannot be reached."""
    reply = call_git("ls-remote", "--symref", "--", url, git_dir=None, online=True)
    if reply.status:
        raise SourceError(unreadable(url, reply))
    rows = [line.split("\t", 1) for line in reply.lines()]
    found = {ref: commit for commit, ref in rows if not commit.startswith("ref: ")}
    return RemoteRefs(
        refs={ref: commit for ref, commit in found.items() if is_ref(ref)},
        peeled={ref.removesuffix("^{}"): commit for ref, commit in found.items() if not is_ref(ref)},
        symbolic={ref: word.removeprefix("ref: ") for word, ref in rows if word.startswith("ref: ")},
    )
