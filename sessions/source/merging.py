"""Merge tickets in memory, with `git merge-tree` and a commit object, and without a work tree.

Needs git 2.38.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from sessions.source.conflicts import Clash, clash_in
from sessions.source.merge_commit import merge_commit, merge_message, sign
from sessions.source.merge_tree import MergeTree
from sessions.source.releases import Release
from sessions.source.remarks import driver_remarks, submodule_remarks
from sessions.source.repository import Repository
from sessions.source.trunk import Trunk
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The release with ``tickets`` merged in this order. Ids are full hex ids."""

    tickets: tuple[int, ...] = ()
    commit: str
    tree: str


@dataclass
class Merger:
    """Makes candidates. The same release, tickets, date and committer give the same commit ids on every machine.

    ``base`` is what all candidates are built on: the release, merged with the ``trunk`` where there is one.
    ``submodules`` says whether submodules are checked out where candidates are tested; it changes no merge.
    """

    repository: Repository
    release: Release
    date: dt.date
    committer: str
    submodules: bool = False
    base: Candidate = field(init=False)
    trunk: Trunk | None = field(default=None, init=False)
    _known: dict[tuple[str, str, int], Candidate | Clash] = field(default_factory=dict, repr=False)
    _git: MergeTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._git = MergeTree(self.repository)
        self.base = self.bare

    def close(self) -> None:
        """End the git processes."""
        self._git.close()

    @property
    def bare(self) -> Candidate:
        """The release itself: a candidate without tickets, and without a trunk."""
        return Candidate(commit=self.release.commit, tree=self.release.tree)

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
            return self._make(self.bare, commit, (), f"{title}\n")
        tree = self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
        return Candidate(commit=commit, tree=tree)

    def merge(self, onto: Candidate, ticket: Ticket) -> Candidate | Clash:
        """Return ``onto`` with ``ticket`` merged, or their conflict.

        Raises :class:`SourceError` if git itself fails, for example at a missing object.
        """
        key = (onto.commit, ticket.commit, ticket.number)  # two tickets may have the same commit
        if key not in self._known:
            self._known[key] = self._merge(onto, ticket)
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
        """Whether ``ticket`` merges onto ``onto`` without conflict. Writes no commit.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        key = (onto.commit, ticket.commit, ticket.number)
        if key in self._known:
            return isinstance(self._known[key], Candidate)
        try:
            return self._git.merge(onto.commit, ticket.commit, onto.tree).clean
        except SourceError:
            if _are_strangers(self.repository, onto.commit, ticket.commit):
                return False
            raise

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

    def _merge(self, onto: Candidate, ticket: Ticket) -> Candidate | Clash:
        tickets = (*onto.tickets, ticket.number)
        return self._make(onto, ticket.commit, tickets, merge_message(ticket))

    def _make(self, onto: Candidate, commit: str, tickets: tuple[int, ...], message: str) -> Candidate | Clash:
        try:
            merge = self._git.merge(onto.commit, commit, onto.tree)
        except SourceError:
            if _are_strangers(self.repository, onto.commit, commit):
                kinds = {"": "no common history"}
                return Clash(kinds=kinds, head=onto.tree, tree="", repository=self.repository)
            raise
        if not merge.clean:
            return clash_in(self.repository, onto.tree, merge.tree, merge.rest)
        signature = sign(self.committer, self.date)
        content = merge_commit(merge.tree, (onto.commit, commit), signature, message)
        return Candidate(tickets=tickets, commit=self.repository.write_commit(content), tree=merge.tree)


def _are_strangers(repository: Repository, one: str, other: str) -> bool:
    """Whether two commits have no common ancestor."""
    return repository.git("merge-base", one, other, ok=(0, 1)).status == 1
