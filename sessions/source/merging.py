"""Merging in memory: `git merge-tree` and a commit object, never a work tree.

Needs git 2.38. See https://git-scm.com/docs/git-merge-tree for the output that is parsed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sessions.source.conflicts import Clash, clash_in
from sessions.source.merge_tree import MergeTree
from sessions.source.releases import Release
from sessions.source.remarks import driver_remarks, submodule_remarks
from sessions.source.repository import Repository
from sessions.source.trunk import Trunk
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The release plus some tickets, merged in this order; full hex ids."""

    tickets: tuple[int, ...] = ()
    commit: str
    tree: str


@dataclass
class Merger:
    """Makes candidates. The same release, tickets, date and committer give the same commit ids anywhere.

    ``base`` is what all candidates are built on: the release, or with a ``trunk`` the release and that.
    ``submodules`` says whether they are checked out where candidates are tested; it changes no merge.
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
        """Let go of git."""
        self._git.close()

    @property
    def bare(self) -> Candidate:
        """The release itself: a candidate without tickets, and without a trunk."""
        return Candidate(commit=self.release.commit, tree=self.release.tree)

    @property
    def start(self) -> str:
        """What the line starts with, as a phrase."""
        return str(self.trunk or "the release")

    def start_with(self, trunk: Trunk) -> Clash | None:
        """Let all candidates be built on the release with ``trunk``, or return where the two clash.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        match self.with_branch(trunk.commit, str(trunk)):
            case Clash() as clash:
                return clash
            case Candidate() as base:
                self.base, self.trunk = base, trunk
                return None

    def with_branch(self, commit: str, title: str) -> Candidate | Clash:
        """Return the release with a commit of its own project's branch: that commit where it contains the release.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        if self.repository.git("merge-base", "--is-ancestor", self.release.commit, commit, ok=(0, 1)).status:
            message = f"{title}\n"
            return self._made(self.bare, commit, (), lambda tree: self._commit(tree, self.bare, commit, message))
        tree = self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
        return Candidate(commit=commit, tree=tree)

    def merge(self, onto: Candidate, ticket: Ticket) -> Candidate | Clash:
        """``onto`` with ``ticket`` merged, or where the two clash.

        Raises :class:`SourceError` where git itself failed, as for a missing object.
        """
        key = (onto.commit, ticket.commit, ticket.number)  # two tickets may have one commit
        if key not in self._known:
            self._known[key] = self._merge(onto, ticket)
        return self._known[key]

    def remarks(self, onto: Candidate, ticket: Ticket) -> str:
        """What is worth knowing of how ``ticket`` merges onto ``onto``, or does not; mostly nothing.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        merged, trees = self.merge(onto, ticket), self._git.trees
        if isinstance(merged, Clash) and not merged.tree:
            return ""  # git did not merge at all
        told = driver_remarks(self._git.unknown_drivers(onto.commit, ticket.commit, onto.tree))
        if isinstance(merged, Candidate):
            before, after = (trees.find(each.tree).submodules for each in (onto, merged))
            told += submodule_remarks(before, after, checked_out=self.submodules)
        return "; ".join(told)

    def fits(self, onto: Candidate, ticket: Ticket) -> bool:
        """Whether ``ticket`` merges onto ``onto``: the same merge, with no commit written.

        Raises :class:`SourceError` as :meth:`merge` does.
        """
        key = (onto.commit, ticket.commit, ticket.number)
        if key in self._known:
            return isinstance(self._known[key], Candidate)
        try:
            return self._git.merge(onto.commit, ticket.commit, onto.tree).clean
        except SourceError:
            if self._are_strangers(onto, ticket.commit):
                return False
            raise

    def combine(self, tickets: Iterable[Ticket]) -> Candidate | Clash:
        """The release with ``tickets`` merged in this order, or the first clash."""
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
        return self._made(
            onto, ticket.commit, tickets, lambda tree: self._commit(tree, onto, ticket.commit, merge_message(ticket))
        )

    def _made(
        self, onto: Candidate, commit: str, tickets: tuple[int, ...], content: Callable[[str], bytes]
    ) -> Candidate | Clash:
        try:
            merge = self._git.merge(onto.commit, commit, onto.tree)
        except SourceError:
            if self._are_strangers(onto, commit):
                kinds = {"": "no common history"}
                return Clash(kinds=kinds, head=onto.tree, tree="", repository=self.repository)
            raise
        if not merge.clean:
            return clash_in(self.repository, onto.tree, merge.tree, merge.rest)
        made = self.repository.write_commit(content(merge.tree))
        return Candidate(tickets=tickets, commit=made, tree=merge.tree)

    def _are_strangers(self, onto: Candidate, commit: str) -> bool:
        return self.repository.git("merge-base", onto.commit, commit, ok=(0, 1)).status == 1

    def _commit(self, tree: str, onto: Candidate, commit: str, message: str) -> bytes:
        moment = int(dt.datetime.combine(self.date, dt.time(), dt.UTC).timestamp())
        signature = f"{self.committer} {moment} +0000"
        lines = [
            f"tree {tree}",
            f"parent {onto.commit}",
            f"parent {commit}",
            f"author {signature}",
            f"committer {signature}",
            "",
            message,
        ]
        return "\n".join(lines).encode("utf-8", "replace")  # JSON may hold half a surrogate pair


def merge_message(ticket: Ticket) -> str:
    """Subject, description and trailers of a merge, as Sage's release managers write them."""
    trailers = [
        f"URL: {ticket.url}" if ticket.url else "",
        f"Ticket author(s): {', '.join(ticket.authors)}" if ticket.authors else "",
        f"Reviewer(s): {', '.join(ticket.reviewers)}" if ticket.reviewers else "",
    ]
    parts = [
        f"#{ticket.number}: {' '.join(ticket.title.split())}",
        ticket.description.strip(),
        "\n".join(filter(None, trailers)),
    ]
    # NUL ends a commit message for git; a ticket's text may hold anything.
    return "\n\n".join(part for part in parts if part).replace("\0", "") + "\n"
