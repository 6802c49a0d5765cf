"""Apply tickets' own changes to another release line, in memory, and find what they need that the line lacks.

A branch that starts at the main branch cannot be merged into an older line: it would bring all of main. As
``git cherry-pick`` does, a three-way merge applies the difference between the branch and the place where it started,
see https://git-scm.com/docs/git-cherry-pick. All of a ticket's commits become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.source.conflicts import Clash, clash_in
from sessions.source.merge_commit import commit_content
from sessions.source.merge_tree import MergeTree
from sessions.source.releases import Release
from sessions.source.repository import Repository
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.model import Ticket

# Of main's changes to the same files, so many are tried as what a ticket needs, the newest.
_MOST_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class BranchChange:
    """A change from one commit to another; ``subject`` and ``number`` say what main calls it (0: no ticket)."""

    before: str
    after: str
    subject: str = ""
    number: int = 0

    def __str__(self) -> str:
        """Return the ticket's number, or else the commit with its subject."""
        return name_ticket(self.number) if self.number else f"{self.after[:10]} ({self.subject})"


@dataclass(frozen=True, kw_only=True)
class Backport:
    """A ticket's change on the line: its ``commit``, or the ``clash`` with the release.

    ``needs`` are the listed tickets on whose backports it is made. ``missing`` are the changes of main without which
    it does not apply, oldest first; none where no such changes were found.
    """

    commit: str = ""
    clash: Clash | None = None
    needs: tuple[int, ...] = ()
    missing: tuple[BranchChange, ...] = ()


@dataclass
class Backporter:
    """Makes the backports of one line. ``main`` is the commit of the branch that the tickets are for.

    ``signature`` is author and committer with the time, as a commit object has it. Close it after use.
    """

    repository: Repository
    release: Release
    main: str
    subjects: MergeSubjects
    signature: str
    _git: MergeTree = field(init=False, repr=False)
    _changes: dict[int, BranchChange] = field(default_factory=dict, init=False, repr=False)
    _made: dict[int, Backport] = field(default_factory=dict, init=False, repr=False)
    # Of each change, the commits of its start and of its end: a search for what is needed applies it again and again.
    _sides: dict[BranchChange, tuple[str, str]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._git = MergeTree(self.repository)

    def close(self) -> None:
        """End the git processes."""
        self._git.close()

    def make(self, tickets: Sequence[Ticket], tips: Mapping[int, str]) -> dict[int, Backport]:
        """Return the backport of each ticket, by number; ``tips`` are the commits of their branches.

        Raises :class:`SourceError` if git fails.
        """
        self._changes = {each.number: self._own_change(tips[each.number]) for each in tickets}
        titles = {each.number: each.title for each in tickets}
        for number in titles:
            self._make(number, titles, ())
        return self._made

    def _make(self, number: int, titles: Mapping[int, str], waiting: tuple[int, ...]) -> Backport:
        """Return the backport of one ticket; ``waiting`` are the tickets that are made on it."""
        if number not in self._made:
            self._made[number] = self._try(number, titles, (*waiting, number))
        return self._made[number]

    def _try(self, number: int, titles: Mapping[int, str], waiting: tuple[int, ...]) -> Backport:
        change = self._changes[number]
        applied = self._apply(self.release.tree, change)
        if not isinstance(applied, Clash):
            return Backport(commit=self._write_backport(applied, (self.release.commit,), number, titles[number]))
        needed = self._find_needed(change, applied)
        listed = tuple(dict.fromkeys(each.number for each in needed if each.number in titles))
        others = {each: self._make(each, titles, waiting) for each in listed if each not in waiting}
        lacking = tuple(each for each in needed if not (each.number in others and others[each.number].commit))
        if lacking or not needed:
            return Backport(clash=applied, needs=listed, missing=lacking)
        tree = self._apply_all(needed, change)
        assert tree is not None  # noqa: S101  that is how they were found
        parents = tuple(others[each].commit for each in listed)
        return Backport(commit=self._write_backport(tree, parents, number, titles[number]), needs=listed)

    def _own_change(self, tip: str) -> BranchChange:
        """Return what a branch changes since it left main, also if main has merged it since."""
        git = self.repository.git
        if git("merge-base", "--is-ancestor", tip, self.main, ok=(0, 1)).status:
            return BranchChange(before=git("merge-base", self.main, tip).text, after=tip)
        later = set(git("rev-list", "--ancestry-path", f"{tip}..{self.main}").text.split())
        line = git("rev-list", "--first-parent", f"{tip}..{self.main}").text.split()
        merged = [commit for commit in line if commit in later]
        before = git("rev-parse", f"{merged[-1]}^1").text if merged else tip
        # A commit of main's own line is the change itself: the request was squashed or rebased.
        base = git("rev-parse", f"{tip}^1") if before == tip else git("merge-base", before, tip)
        return BranchChange(before=base.text, after=tip)

    @cached_property
    def _fork(self) -> str:
        """Where the line left main."""
        return self.repository.git("merge-base", self.main, self.release.commit).text

    def _find_needed(self, change: BranchChange, clash: Clash) -> tuple[BranchChange, ...]:
        """Return the smallest changes of main, oldest first, after which ``change`` applies; none if there are none.

        They are main's changes to the files of ``clash`` between the line's fork and the start of ``change``. All of
        them together are tried first, then each is left out if the rest will do.
        """
        steps = list(self._steps(change, sorted(clash.paths)))
        if self._apply_all(steps, change) is None:
            return ()
        for step in list(steps):
            fewer = [each for each in steps if each != step]
            if self._apply_all(fewer, change) is not None:
                steps = fewer
        return tuple(steps)

    def _steps(self, change: BranchChange, paths: Sequence[str]) -> Iterable[BranchChange]:
        words = ("--first-parent", "--reverse", "--format=%H%x09%P%x09%B", f"{self._fork}..{change.before}")
        reply = self.repository.git("log", "-z", *words, "--", *(f":(literal){path}" for path in paths))
        rows = [row.split("\t", 2) for row in reply.out.decode("utf-8", "replace").split("\0") if row.strip()]
        for commit, parents, message in rows[-_MOST_STEPS:]:
            subject = message.splitlines()[0] if message else ""
            yield BranchChange(
                before=parents.split()[0], after=commit, subject=subject, number=self.subjects.number(message)
            )

    def _apply_all(self, steps: Iterable[BranchChange], last: BranchChange) -> str | None:
        """Return the release's tree with all ``steps`` that apply, and ``last``; ``None`` if that one conflicts."""
        tree = self.release.tree
        for step in steps:
            applied = self._apply(tree, step)
            tree = tree if isinstance(applied, Clash) else applied
        applied = self._apply(tree, last)
        return None if isinstance(applied, Clash) else applied

    def _apply(self, tree: str, change: BranchChange) -> str | Clash:
        """Return a tree with a change applied, or their conflict.

        git 2.39 takes no merge base for `merge-tree`: commits that have the wanted one stand for the two sides.
        """
        if change not in self._sides:
            before, after = (
                self.repository.git("rev-parse", "--verify", f"{commit}^{{tree}}").text
                for commit in (change.before, change.after)
            )
            base = self._write(before, (), "base")
            self._sides[change] = base, self._write(after, (base,), "theirs")
        base, theirs = self._sides[change]
        merge = self._git.merge(self._write(tree, (base,), "ours"), theirs, tree)
        return merge.tree if merge.clean else clash_in(self.repository, tree, merge.tree, merge.rest)

    def _write_backport(self, tree: str, parents: tuple[str, ...], number: int, title: str) -> str:
        subject = f"{name_ticket(number)}: {' '.join(title.split())}"
        return self._write(tree, parents, subject.replace("\0", ""))

    def _write(self, tree: str, parents: tuple[str, ...], subject: str) -> str:
        """Write a commit of a tree, and return its id."""
        return self.repository.write_commit(commit_content(tree, parents, self.signature, f"{subject}\n"))
