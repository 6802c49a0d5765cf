"""Find the files that branches change since they left the release's history, in two git processes for many branches."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

from sessions.source.repository import Repository

# The ids of a file before and after a branch; zeros where it does not exist.
FileIds = tuple[str, str]
# Arguments of one git command: 400 pairs of SHA-256 ids are 52 kB, and every system takes 128 kB.
_ASKED_AT_ONCE = 400


# Commits never change, and a day's comparisons ask about the same tickets again and again.
@functools.lru_cache(maxsize=64)
def branch_files(repository: Repository, release: str, commits: tuple[str, ...]) -> Mapping[str, Mapping[str, FileIds]]:
    """Return the paths that each of ``commits`` changes, with their ids, since it left the history of ``release``.

    All ids are full hex ids. A commit without a common history changes nothing. Of several merge bases, the one that
    `git merge-base` names counts.

    Raises :class:`SourceError` if an object is missing.
    """
    bases: dict[str, str] = {}
    for start in range(0, len(commits), _ASKED_AT_ONCE):
        bases |= _merge_bases(repository, release, commits[start : start + _ASKED_AT_ONCE])
    # A list of commits has the first one compared with the others: https://git-scm.com/docs/git-diff-tree
    put = "".join(f"{commit} {base}\n" for commit, base in bases.items())
    reply = repository.git("diff-tree", "--stdin", "-r", "-z", "--no-renames", put=put.encode())
    found = _files(reply.fields())
    return {commit: found.get(commit, {}) for commit in commits}


def _merge_bases(repository: Repository, release: str, commits: Sequence[str]) -> Mapping[str, str]:
    """Return the merge base of each commit that has one."""
    if not commits:
        return {}
    ranges = (f"{release}...{commit}" for commit in commits)
    reply = repository.git("rev-parse", *ranges, ok=(0, 128), may_complain=True)
    if not reply.status:
        return {commit: bases[0] for commit, bases in zip(commits, _bases(reply.lines()), strict=True) if bases}
    if len(commits) == 1:  # the mirror lacks it
        return {}
    return {commit: base for each in commits for commit, base in _merge_bases(repository, release, [each]).items()}


def _bases(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the merge bases of each range, from what `git rev-parse A...B` prints: both ends, then ``^BASE`` lines."""
    at = 0
    while at < len(lines):
        end = at + 2
        while end < len(lines) and lines[end].startswith("^"):
            end += 1
        yield [line.removeprefix("^") for line in lines[at + 2 : end]]
        at = end


def _files(fields: Sequence[str]) -> dict[str, dict[str, FileIds]]:
    """Return the files by commit. After a commit's id, each file has two fields, of which the first has a colon."""
    found: dict[str, dict[str, FileIds]] = {}
    files, at = dict[str, FileIds](), 0
    while at < len(fields):
        if fields[at].startswith(":"):
            _, _, before, after, _ = fields[at].split()
            files[fields[at + 1]] = before, after
            at += 2
        else:
            files = found[fields[at]] = {}
            at += 1
    return found
