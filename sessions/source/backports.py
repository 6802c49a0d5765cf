"""Apply tickets' own changes to another release line, in memory, and find what they need that the line lacks.

A branch that starts at the main branch cannot be merged into an older line: it would bring all of main. Its own
change is picked instead, and all of a ticket's commits become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.source.cherry_pick import BranchChange, CherryPicker
from sessions.source.conflicts import Clash
from sessions.source.releases import Release
from sessions.source.repository import Repository
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.merge_subjects import MergeSubjects
from sessions.tickets.model import Ticket

# Of main's changes to the same files, so many are tried as what a ticket needs, the newest.
_MOST_STEPS = 60


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
    _picker: CherryPicker = field(init=False, repr=False)
    _changes: dict[int, BranchChange] = field(default_factory=dict, init=False, repr=False)
    _made: dict[int, Backport] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._picker = CherryPicker(self.repository, self.signature)

    def close(self) -> None:
        """End the git processes."""
        self._picker.close()

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
        applied = self._picker.pick(self.release.tree, change)
        if not isinstance(applied, Clash):
            return Backport(commit=self._write_backport(applied, (self.release.commit,), number, titles[number]))
        needed = self._find_needed(change, applied)
        listed = tuple(dict.fromkeys(each.number for each in needed if each.number in titles))
        others = {each: self._make(each, titles, waiting) for each in listed if each not in waiting}
        lacking = tuple(each for each in needed if not (each.number in others and others[each.number].commit))
        if lacking or not needed:
            return Backport(clash=applied, needs=listed, missing=lacking)
        tree = self._picker.pick_all(self.release.tree, needed, change)
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
        if self._picker.pick_all(self.release.tree, steps, change) is None:
            return ()
        for step in list(steps):
            fewer = [each for each in steps if each != step]
            if self._picker.pick_all(self.release.tree, fewer, change) is not None:
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

    def _write_backport(self, tree: str, parents: tuple[str, ...], number: int, title: str) -> str:
        subject = f"{name_ticket(number)}: {' '.join(title.split())}"
        return self._picker.write(tree, parents, subject.replace("\0", ""))
