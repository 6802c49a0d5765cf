"""The steps of a branch since a release, which are its first-parent commits, and the ticket that each belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.merge_subjects import MergeSubjects


@dataclass(frozen=True, kw_only=True)
class BranchStep:
    """A first-parent commit. ``merged`` are its other parents, none for a plain commit. Ids are full hex ids.

    ``message`` is the whole message: GitLab names the merge request in its last line.
    """

    commit: str
    tree: str
    parent: str
    merged: tuple[str, ...]
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]

    def __str__(self) -> str:
        """Return a phrase such as ``1a2b3c4d5e (#9: Fix it)``."""
        return f"{self.commit[:10]} ({self.subject[:80]})"


@dataclass(frozen=True, kw_only=True)
class AllowedCommits:
    """What a branch may hold: the commit of each ticket, and other commits by name (as of the target branch);
    ``subjects`` reads the number of a ticket in the message of a commit.

    Where ``strict``, every step must be the merge of exactly such a commit, and each ticket must be merged. Otherwise a
    ticket is also recognised by the number in a merge's message, by a squashed commit that names it, or by a rebased
    commit with the same patch.

    By the commit of a ticket, ``settled`` are the files in which a kept resolution settled its conflict, and
    ``replaced`` those of which it decided all lines.
    """

    tickets: Mapping[int, str]
    subjects: MergeSubjects
    others: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    settled: Mapping[str, frozenset[str]] = field(default_factory=dict)
    replaced: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The ticket that a step belongs to: ``owner`` is ``#12`` or another name, or empty.

    ``commits`` must be merged to repeat the step, or ``pick`` is the commit that was rebased. ``fault`` says what is
    wrong with the step's choice of commits.
    """

    owner: str = ""
    commits: tuple[str, ...] = ()
    pick: str = ""
    fault: str = ""


def read_steps(repository: Repository, start: str, end: str) -> tuple[BranchStep, ...]:
    """Return the steps from ``start`` to ``end``, oldest first; raise :class:`SourceError` if one lacks the other."""
    if repository.git("merge-base", "--is-ancestor", start, end, ok=(0, 1)).status:
        raise SourceError(f"{end[:10]} does not contain {start[:10]}: an audit goes from a release to a branch on it.")
    arguments = ("log", "-z", "--first-parent", "--reverse", "--format=%H%x09%T%x09%P%x09%s%n%b", f"{start}..{end}")
    rows = repository.git(*arguments).out.decode("utf-8", "replace").split("\0")
    return tuple(_step(*row.split("\t", 3)) for row in rows if row)


def _step(commit: str, tree: str, parents: str, message: str) -> BranchStep:
    parent, *merged = parents.split() or [""]
    return BranchStep(commit=commit, tree=tree, parent=parent, merged=tuple(merged), message=message.rstrip("\n"))


@dataclass
class Claims:
    """Finds the ticket that each step belongs to."""

    repository: Repository
    steps: tuple[BranchStep, ...]
    known: AllowedCommits
    _patches: dict[str, tuple[int, str]] | None = None

    def of(self, step: BranchStep) -> Claim:
        """Return the ticket that ``step`` belongs to. Raises :class:`SourceError` if git fails."""
        named = self.known.subjects.number(step.message)
        if not step.merged:
            return Claim() if self.known.strict else self._plain(step, named)
        if len(step.merged) == 1 and (owner := self._owner(step.merged[0], named)):
            return Claim(owner=owner, commits=step.merged, fault=self._brings(step, owner))
        if self.known.strict or not named:
            return Claim(fault=f"{step} merges {step.merged[0][:10]}, at which no ticket's branch is")
        tip = self.known.tickets.get(named)
        if tip and not self._contains(tip, step.merged[0]):
            fault = f"{step} merges {step.merged[0][:10]}, which is not in the branch of {name_ticket(named)}"
            return Claim(owner=name_ticket(named), commits=(tip,), fault=fault)
        return Claim(owner=name_ticket(named), commits=step.merged, fault=self._brings(step, name_ticket(named)))

    def _owner(self, commit: str, named: int) -> str:
        """Return the ticket of a merged commit. If several tickets have the same commit, the message decides."""
        numbers = [number for number, tip in self.known.tickets.items() if tip == commit]
        if numbers:
            return name_ticket(named if named in numbers else min(numbers))
        return self.known.others.get(commit, "")

    def _plain(self, step: BranchStep, named: int) -> Claim:
        """Return the ticket of a commit without a second parent: a squashed ticket, or a rebased commit of one."""
        if tip := self.known.tickets.get(named):
            return Claim(owner=name_ticket(named), commits=(tip,))
        number, commit = self._known_patches().get(self._patch_of(step.commit), (0, ""))
        return Claim(owner=name_ticket(number), pick=commit) if number else Claim()

    def unpicked(self, picked: frozenset[str]) -> dict[int, tuple[str, ...]]:
        """Return the missing commits of each ticket of which only some were rebased onto the branch."""
        commits = dict[int, list[str]]()
        for number, commit in self._known_patches().values() if picked else ():
            commits.setdefault(number, []).append(commit)
        parts = {number: tuple(each for each in all_ if each not in picked) for number, all_ in commits.items()}
        return {number: left for number, left in parts.items() if left and len(left) < len(commits[number])}

    def _brings(self, step: BranchStep, owner: str) -> str:
        """Return a fault if a merge also brings the whole branches of other tickets; usually empty."""
        revisions = "".join(f"{commit}\n" for commit in step.merged) + f"^{step.parent}\n"
        new = {*self.repository.git("rev-list", "--stdin", put=revisions.encode()).text.split()} - {*step.merged}
        others = sorted(
            number for number, tip in self.known.tickets.items() if tip in new and name_ticket(number) != owner
        )
        if not others:
            return ""
        return f"{step} brings the commits of {', '.join(map(name_ticket, others))}, too"

    def _contains(self, tip: str, commit: str) -> bool:
        return not self.repository.git("merge-base", "--is-ancestor", commit, tip, ok=(0, 1)).status

    def _known_patches(self) -> dict[str, tuple[int, str]]:
        """The tickets' own commits, by the id of what they change (git-patch-id).

        What was merged is in the branch itself, and is nobody's rebased commit; a ticket that was begun on the branch
        has most of the branch in its history. Only of a ticket to which the branch was fast-forwarded are the commits
        its own ones.
        """
        if self._patches is None:
            self._patches = {}
            line, outside = {step.commit for step in self.steps}, self._outside()
            for number, tip in self.known.tickets.items():
                without = f"^{self.steps[0].parent if tip in line else self.steps[-1].commit}"
                if tip in line or tip in outside:
                    arguments = ("log", "-p", "--no-merges", "--no-renames", "--no-ext-diff", tip, without)
                    for patch, commit in self._patch_ids(self.repository.git(*arguments).out):
                        self._patches.setdefault(patch, (number, commit))
        return self._patches

    def _outside(self) -> frozenset[str]:
        """The commits of all tickets that are not in the branch."""
        arguments = "".join(f"{tip}\n" for tip in self.known.tickets.values()) + f"^{self.steps[-1].commit}\n"
        return frozenset(self.repository.git("rev-list", "--stdin", put=arguments.encode()).text.split())

    def _patch_of(self, commit: str) -> str:
        arguments = ("diff-tree", "-p", "--no-renames", "--no-ext-diff", commit)
        return next((patch for patch, _ in self._patch_ids(self.repository.git(*arguments).out)), "")

    def _patch_ids(self, log: bytes) -> Iterator[tuple[str, str]]:
        for line in self.repository.git("patch-id", "--stable", put=log).lines():
            patch, commit = line.split()
            yield patch, commit
