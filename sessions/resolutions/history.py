"""Resolutions learnt from merges that a project has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from sessions.resolutions.model import About, Resolution
from sessions.resolutions.recording import learn
from sessions.source.merge_tree import MergeTree
from sessions.source.repository import Repository


@dataclass(frozen=True, kw_only=True)
class Past:
    """What the merges of a range teach.

    ``merges`` is how many there are, ``conflicts`` how many of them git cannot make by itself. ``elsewhere`` counts
    those of them that also change what git had merged cleanly: that part cannot be learnt.
    """

    resolutions: tuple[Resolution, ...]
    merges: int
    conflicts: int
    elsewhere: int


@dataclass(frozen=True, kw_only=True)
class PastMerge:
    """A merge of two commits: full hex ids, who committed it, and when (an ISO date)."""

    commit: str
    tree: str
    parents: tuple[str, str]
    author: str
    date: str


def learn_from(repository: Repository, range_: str) -> Past:
    """Make each merge of two commits in a range such as ``v1.0..v1.1`` again, oldest first, and read how it was solved.

    Raises :class:`SourceError` where git does not know the range.
    """
    kept = dict[str, Resolution]()
    merges = conflicts = elsewhere = 0
    with closing(MergeTree(repository)) as git:
        for merge in list_merges(repository, range_):
            merges += 1
            ours, theirs = merge.parents
            unmerged = git.unmerged(git.merge(ours, theirs), ours, theirs, f"{ours}^{{tree}}")
            if unmerged is None:
                continue
            conflicts += 1
            about = About(author=merge.author, date=merge.date, origin=f"merge {merge.commit}")
            lesson = learn(repository, unmerged, merge.tree, about)
            elsewhere += lesson.tree != merge.tree
            kept |= {each.name: each for each in lesson.resolutions}
    return Past(resolutions=tuple(kept.values()), merges=merges, conflicts=conflicts, elsewhere=elsewhere)


def list_merges(repository: Repository, range_: str, *options: str) -> Iterator[PastMerge]:
    """Yield the merges of a range that have two parents with a common ancestor, oldest first.

    ``options`` are some of `git log`. Raises :class:`SourceError` where git does not know the range.
    """
    arguments = ("log", "-z", "--merges", "--reverse", "--date=short", "--format=%H%x09%T%x09%P%x09%cd%x09%an <%ae>")
    for row in (
        repository.git(*arguments, *options, "--end-of-options", range_, "--")
        .out.decode("utf-8", "replace")
        .split("\0")
    ):
        if not row:
            continue
        commit, tree, parents, date, author = row.split("\t", 4)
        first, *others = parents.split()
        if len(others) == 1 and not repository.git("merge-base", first, others[0], ok=(0, 1)).status:
            yield PastMerge(commit=commit, tree=tree, parents=(first, others[0]), author=author, date=date)
