"""Merge tickets in memory, with `git merge-tree` and a commit object, and without a work tree.

Needs git 2.38.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sessions.source.conflicts import Clash, clash_in
from sessions.source.merge_commit import commit_content, merge_message, sign
from sessions.source.merge_process import Merge
from sessions.source.merge_tree import MergeTree
from sessions.source.releases import Release
from sessions.source.remarks import driver_remarks, submodule_remarks
from sessions.source.repository import Repository
from sessions.source.trunk import Trunk
from sessions.source.unmerged import CompletedMerge, ConflictMemory, NoMemory, Use
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The release plus some tickets, merged in this order; full hex ids.

    ``uses`` are the kept resolutions that these merges used.
    """

    tickets: tuple[int, ...] = ()
    commit: str
    tree: str
    uses: tuple[Use, ...] = ()


@dataclass
class Merger:
    """Makes candidates. The same release, tickets, date and committer give the same commit ids on every machine.

    ``bare`` is the release itself. ``base`` is what all candidates are built on: the release, merged with the ``trunk``
    where there is one.
    ``submodules`` says whether submodules are checked out where candidates are tested; it changes no merge.
    ``memory`` decides conflicts of tickets that were decided before.
    """

    repository: Repository
    release: Release
    date: dt.date
    committer: str
    submodules: bool = False
    memory: ConflictMemory = field(default_factory=NoMemory)
    bare: Candidate = field(init=False)
    base: Candidate = field(init=False)
    trunk: Trunk | None = field(default=None, init=False)
    _known: dict[tuple[str, str, int, int], Candidate | Clash] = field(default_factory=dict, repr=False)
    _conflict_paths: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict, init=False, repr=False)
    _commits: dict[int, str] = field(default_factory=dict, repr=False)
    _git: MergeTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._git = MergeTree(self.repository)
        self.base = self.bare = Candidate(commit=self.release.commit, tree=self.release.tree)

    def close(self) -> None:
        """End the git processes."""
        self._git.close()

    @property
    def start(self) -> str:
        """The name of what all candidates are built on: the trunk, or "the release"."""
        return str(self.trunk or "the release")

    def start_with(self, trunk: Trunk) -> Clash | None:
        """Build all candidates on the release merged with ``trunk``; return the conflict if the two conflict.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        match self.with_branch(trunk.commit, str(trunk)):
            case Clash() as clash:
                return clash
            case Candidate() as base:
                self.base, self.trunk = base, trunk
                return None

    def with_branch(self, commit: str, title: str) -> Candidate | Clash:
        """Return the release merged with a commit of the target branch, or that commit if it contains the release.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        if self.repository.git("merge-base", "--is-ancestor", self.release.commit, commit, ok=(0, 1)).status:
            return self._make(self.bare, commit, title)
        tree = self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
        return Candidate(commit=commit, tree=tree)

    def merge(self, onto: Candidate, ticket: Ticket) -> Candidate | Clash:
        """Return ``onto`` with ``ticket`` merged, or their conflict.

        Raises :class:`SourceError` if git itself fails, for example at a missing object.
        """
        # Two tickets may have one commit; and what used a resolution that was dropped since is no answer any more.
        key = (onto.commit, ticket.commit, ticket.number, len(self.memory.dropped))
        if key not in self._known:
            self._commits[ticket.number] = ticket.commit
            self._known[key] = self._make(onto, ticket.commit, ticket)
        return self._known[key]

    def remarks(self, onto: Candidate, ticket: Ticket) -> str:
        """Return remarks about the merge of ``ticket`` onto ``onto``: unknown merge drivers, submodules. Usually empty.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        merged, trees = self.merge(onto, ticket), self._git.trees
        if isinstance(merged, Clash) and not merged.tree:
            return ""  # no merge was needed
        remarks = driver_remarks(self._git.unknown_drivers(onto.commit, ticket.commit, onto.tree))
        if isinstance(merged, Candidate):
            before, after = (trees.find(each.tree).submodules for each in (onto, merged))
            remarks += submodule_remarks(before, after, checked_out=self.submodules)
        return "; ".join(remarks)

    def fits(self, onto: Candidate, ticket: Ticket) -> bool:
        """Whether ``ticket`` merges onto ``onto``; it writes a commit only where a kept resolution is needed for that.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        if (onto.commit, ticket.commit, ticket.number, len(self.memory.dropped)) not in self._known:
            if not self.conflict_paths(onto, ticket):
                return True
            if self.memory.is_empty:
                return False
        return isinstance(self.merge(onto, ticket), Candidate)

    def conflict_paths(self, onto: Candidate, ticket: Ticket) -> frozenset[str]:
        """Return the files that git alone cannot merge, whatever the memory makes of them; it writes no commit.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        key = (onto.commit, ticket.commit)
        if key not in self._conflict_paths:
            merge = _merge_alone(self._git, onto, ticket.commit)
            if isinstance(merge, Merge):
                clash = None if merge.clean else clash_in(self.repository, onto.tree, merge.tree, merge.rest)
            else:
                clash = merge
            self._conflict_paths[key] = clash.paths if clash else frozenset()
        return self._conflict_paths[key]

    def combine(self, tickets: Iterable[Ticket]) -> Candidate | Clash:
        """Return the release with ``tickets`` merged in this order, or the first conflict."""
        head = self.base
        for ticket in tickets:
            match self.merge(head, ticket):
                case Clash() as clash:
                    return clash
                case Candidate() as head:
                    pass
        return head

    def _make(self, onto: Candidate, commit: str, what: Ticket | str) -> Candidate | Clash:
        """Merge a commit: of a ticket, or of the branch whose name is ``what``."""
        merge = _merge_alone(self._git, onto, commit)
        if isinstance(merge, Clash):
            return merge
        made = self._complete(onto, what, merge)
        if made is None:
            return clash_in(self.repository, onto.tree, merge.tree, merge.rest)
        message = merge_message(what, map(str, made.uses)) if isinstance(what, Ticket) else f"{what}\n"
        content = commit_content(made.tree, (onto.commit, commit), sign(self.committer, self.date), message)
        return Candidate(
            tickets=(*onto.tickets, what.number) if isinstance(what, Ticket) else (),
            commit=self.repository.write_commit(content),
            tree=made.tree,
            uses=(*onto.uses, *made.uses),
        )

    def _complete(self, onto: Candidate, what: Ticket | str, merge: Merge) -> CompletedMerge | None:
        """Return the tree of a merge with what the memory knows of a ticket; ``None`` if it conflicts."""
        plain = CompletedMerge(tree=merge.tree, uses=()) if merge.clean else None
        if self.memory.is_empty or isinstance(what, str):
            return plain
        unmerged = self._git.unmerged(merge, onto.commit, what.commit, onto.tree)
        solved = self.memory.solve(unmerged, what.number) if unmerged else plain
        if solved is None:
            return None
        commits = {number: self._commits[number] for number in (*onto.tickets, what.number)}
        fixed = self.memory.fix(solved.tree, commits, what.number)
        return CompletedMerge(tree=fixed.tree, uses=(*solved.uses, *fixed.uses))


def twin_of(merger: Merger) -> Merger:
    """Return another merger on the same base, for another thread, with git processes of its own."""
    other = replace(merger)
    other.base, other.trunk = merger.base, merger.trunk
    return other


def _merge_alone(git: MergeTree, onto: Candidate, commit: str) -> Merge | Clash:
    """Return git's merge of a commit; a conflict without files where the two have no common history."""
    try:
        return git.merge(onto.commit, commit, onto.tree)
    except SourceError:
        if _are_strangers(git.repository, onto.commit, commit):
            kinds = {"": "no common history"}
            return Clash(kinds=kinds, head=onto.tree, tree="", repository=git.repository)
        raise


def _are_strangers(repository: Repository, one: str, other: str) -> bool:
    """Whether two commits have no common ancestor."""
    return repository.git("merge-base", one, other, ok=(0, 1)).status == 1
