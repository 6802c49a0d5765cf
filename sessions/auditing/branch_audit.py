"""Audit a branch: repeat each step with plain git, and report every difference with its ticket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sessions.auditing.branch_steps import AllowedCommits, BranchStep, Claim, Claims, read_steps
from sessions.auditing.patches import Hunk, OwnedPatch, losers, owners_of_added, owners_of_removed, read_hunks
from sessions.auditing.replay import Replay, Replayed, open_replay
from sessions.source.repository import Repository
from sessions.terminal.ticket_numbers import name_ticket

# How many lines of a hunk a fault shows.
_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something in a branch that should not be there, or something missing from it.

    ``kind``: ``missing`` if work of ``tickets`` is lost, ``stray`` for a change that is in no ticket, ``claim`` if a
    step merges the wrong commits, ``absent`` for a ticket that was not merged. ``step`` is the faulty commit, or empty.
    """

    kind: Literal["missing", "stray", "claim", "absent"]
    text: str
    step: str = ""
    tickets: tuple[str, ...] = ()
    path: str = ""
    lines: str = ""
    shown: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Lines in which a branch differs from its release, and the tickets that changed them."""

    path: str
    lines: str
    tickets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OneBase:
    """A merge that was made from one of several merge bases, and the files that git merges otherwise from all."""

    step: BranchStep
    base: str
    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The result of an audit. ``by_hand`` maps steps to the files in which somebody resolved a conflict."""

    start: str
    end: str
    steps: tuple[tuple[BranchStep, Claim], ...]
    faults: tuple[Fault, ...]
    differences: tuple[Difference, ...]
    by_hand: tuple[tuple[BranchStep, tuple[str, ...]], ...]
    one_base: tuple[OneBase, ...] = ()

    @property
    def verdict(self) -> str:
        """The result in one clause."""
        if not self.faults:
            but = f", but for conflicts in {len(self.by_hand)} of them" if self.by_hand else ""
            return f"each of {len(self.steps)} steps is what plain git makes of its ticket{but}"
        more = f", and {len(self.faults) - 1} more" if len(self.faults) > 1 else ""
        return f"{self.faults[0].text}{more}"

    def record(self) -> dict[str, Any]:
        """Return the audit for ``--json``."""
        steps = [
            {"commit": step.commit, "subject": step.subject, "ticket": claim.owner, "merged": list(step.merged)}
            for step, claim in self.steps
        ]
        return {
            "version": 1,
            "from": self.start,
            "head": self.end,
            "state": "red" if self.faults else "green",
            "steps": steps,
            "faults": [asdict(fault) for fault in self.faults],
            "by_hand": [{"commit": step.commit, "paths": list(paths)} for step, paths in self.by_hand],
            "one_base": [
                {"commit": each.step.commit, "base": each.base, "paths": list(each.paths)} for each in self.one_base
            ],
            "differences": [asdict(each) for each in self.differences],
        }


def audit_branch(repository: Repository, start: str, end: str, known: AllowedCommits) -> Audit:
    """Audit the commits from ``start`` (a release) to ``end``; full hex ids.

    Raises :class:`SourceError` if ``end`` does not contain ``start``, or git fails.
    """
    steps = read_steps(repository, start, end)
    claims = Claims(repository, steps, known)
    claimed = tuple((step, claims.of(step)) for step in steps)
    with open_replay(repository) as replay:
        auditor = _Auditor(replay, _changes(repository, start, end, claimed), known)
        found = [auditor.check(place, step, claim) for place, (step, claim) in enumerate(claimed)]
        differences = tuple(auditor.differences(start, end))
    faults = [fault for faults, _ in found for fault in faults]
    faults += _incomplete(claims.unpicked(frozenset(claim.pick for _, claim in claimed if claim.pick)))
    faults += _absent(known, claimed) if known.strict else []
    by_hand = tuple((step, paths) for (step, _), (_, paths) in zip(claimed, found, strict=True) if paths)
    return Audit(
        start=start,
        end=end,
        steps=claimed,
        faults=tuple(faults),
        differences=differences,
        by_hand=by_hand,
        one_base=tuple(auditor.one_base),
    )


def _changes(
    repository: Repository, start: str, end: str, claimed: Sequence[tuple[BranchStep, Claim]]
) -> list[OwnedPatch]:
    """Return the changes of each step, read by one git process. The owner is empty if a step belongs to no ticket."""
    arguments = ("log", "--first-parent", "--diff-merges=first-parent", "--reverse", "-p", "-U0")
    log = repository.git(*arguments, "--no-renames", "--no-ext-diff", "--format=%x00%H", f"{start}..{end}").text
    parts = dict(part.split("\n", 1) for part in (f"{each}\n" for each in log.split("\0")[1:]))
    return [OwnedPatch.of(claim.owner, read_hunks(parts[step.commit])) for step, claim in claimed]


def _incomplete(unpicked: dict[int, tuple[str, ...]]) -> Iterator[Fault]:
    for number, commits in sorted(unpicked.items()):
        names = ", ".join(commit[:10] for commit in commits)
        text = f"{name_ticket(number)} was rebased onto the branch without its commits {names}"
        yield Fault(kind="missing", text=text, tickets=(name_ticket(number),))


def _absent(known: AllowedCommits, claimed: Sequence[tuple[BranchStep, Claim]]) -> Iterator[Fault]:
    merged = {claim.owner for _, claim in claimed}
    for number in known.tickets:
        if name_ticket(number) not in merged:
            yield Fault(kind="absent", text=f"{name_ticket(number)} is not merged", tickets=(name_ticket(number),))


@dataclass
class _Auditor:
    """Checks steps one by one. ``changes`` are the changes of all steps, oldest first.

    Where ``known`` is strict, no conflict may have been resolved in another way than it says, and no merge was made
    from one of several merge bases. ``one_base`` are the merges that were.
    """

    replay: Replay
    changes: list[OwnedPatch]
    known: AllowedCommits
    one_base: list[OneBase] = field(default_factory=list)

    def check(self, place: int, step: BranchStep, claim: Claim) -> tuple[list[Fault], tuple[str, ...]]:
        """Return the faults of a step, and the files in which its conflict was resolved by hand."""
        faults = [Fault(kind="claim", text=claim.fault, step=step.commit)] if claim.fault else []
        expected = self._make_again(step, claim)
        if expected.tree == step.tree or self._is_from_one_base(step, claim, expected):
            return faults, ()
        history = self.changes[:place]
        if claim.owner:  # what the step should have changed, in place of what it did: the rest is nobody's
            should = list(read_hunks(self.replay.diff(step.parent, expected.tree)))
            history = [*history, OwnedPatch.of(claim.owner, should)]
            by_hand = read_hunks(self.replay.diff(step.parent, step.tree)) if expected.conflicts else ()
            own = [hunk for hunk in should if hunk.path not in expected.conflicts]
            own += [hunk for hunk in by_hand if hunk.path in expected.conflicts]
            self.changes[place] = OwnedPatch.of(claim.owner, own)
        hunks = read_hunks(self.replay.diff(expected.tree, step.tree))
        settled, replaced = (
            paths.get(step.merged[0], frozenset()) if step.merged else frozenset()
            for paths in (self.known.settled, self.known.replaced)
        )
        wrong = [hunk for hunk in hunks if hunk.path not in expected.conflicts | replaced]
        faults += [_fault(step, claim, hunk, history) for hunk in wrong]
        resolved = tuple(sorted(expected.conflicts))
        unsettled = [path for path in resolved if path not in settled | replaced]
        if unsettled and self.known.strict:  # the merge line resolves nothing by itself
            text = f"{step} is a merge that conflicts in {', '.join(unsettled)}"
            faults.append(Fault(kind="claim", text=text, step=step.commit, tickets=(claim.owner,), path=unsettled[0]))
        lossy = [path for path in resolved if path not in replaced and self._is_lossy(step, expected, path)]
        faults += [_lost_beside(step, claim, path) for path in lossy]
        return faults, resolved

    def differences(self, start: str, end: str) -> Iterator[Difference]:
        """Yield each difference between the release and the branch with its tickets."""
        by_path = dict[str, list[OwnedPatch]]()
        for change in self.changes:
            for path in change.paths:
                by_path.setdefault(path, []).append(change)
        for hunk in read_hunks(self.replay.diff(start, end)):
            changes = by_path.get(hunk.path, [])
            owners = {*owners_of_added(hunk, changes), *owners_of_removed(hunk, changes)}
            if not hunk.added and not hunk.removed:
                owners = {change.owner for change in changes}
            yield Difference(path=hunk.path, lines=hunk.lines, tickets=tuple(sorted(owners - {""})))

    def _make_again(self, step: BranchStep, claim: Claim) -> Replayed:
        if claim.pick:
            return self.replay.pick(step.parent, claim.pick)
        if claim.commits:
            return self.replay.merge(step.parent, claim.commits)
        return Replayed(tree=self.replay.git("rev-parse", "--verify", f"{step.parent}^{{tree}}").text)

    def _is_from_one_base(self, step: BranchStep, claim: Claim, expected: Replayed) -> bool:
        """Whether a step is the merge from one of several merge bases; if so, it is noted."""
        if self.known.strict or len(claim.commits) != 1:
            return False
        merges = self.replay.merges_from_one_base(step.parent, claim.commits[0])
        base = next((base for base, made in merges if made.tree == step.tree and not made.conflicts), "")
        if base:
            changed = read_hunks(self.replay.diff(expected.tree, step.tree))
            paths = tuple(dict.fromkeys(hunk.path for hunk in changed))
            self.one_base.append(OneBase(step=step, base=base, paths=paths))
        return bool(base)

    def _is_lossy(self, step: BranchStep, expected: Replayed, path: str) -> bool:
        """Whether a file that was resolved by hand lacks text that git had merged around the conflict."""
        return not _contains_in_order(self.replay.read(step.tree, path), self.replay.read(expected.tree, path))


def _lost_beside(step: BranchStep, claim: Claim, path: str) -> Fault:
    text = f"{step} resolves a conflict in {path}, and changes other lines of it, too"
    return Fault(kind="missing", text=text, step=step.commit, tickets=(claim.owner,), path=path)


def _fault(step: BranchStep, claim: Claim, hunk: Hunk, history: Sequence[OwnedPatch]) -> Fault:
    owners, is_stray = losers(hunk, history)
    where = f"{hunk.path}{f':{hunk.lines}' if hunk.lines else ''}"
    shown = "\n".join([*(f"-{line}" for line in hunk.removed), *(f"+{line}" for line in hunk.added)][:_SHOWN])
    common = Fault(kind="stray", text="", step=step.commit, path=hunk.path, lines=hunk.lines, shown=shown)
    if owners:
        also = ", with a change that is in no ticket" if is_stray else ""
        text = f"{step} loses what {' and '.join(owners)} changed in {where}{also}"
        return replace(common, kind="missing", text=text, tickets=tuple(owners))
    inside = f", which is not in {claim.owner}" if claim.owner else ", which is in no ticket"
    return replace(common, text=f"{step} changes {where}{inside}")


def _contains_in_order(resolved: str, marked: str) -> bool:
    """Whether ``resolved`` has all text from outside of the conflict markers of ``marked``, in the same order."""
    parts, outside = list[list[str]]([[]]), True
    for line in marked.split("\n"):
        if line.startswith("<<<<<<< ") and outside:
            outside = False
            parts.append([])
        elif line.startswith(">>>>>>> ") and not outside:
            outside = True
        elif outside:
            parts[-1].append(line)
    lines, at = resolved.split("\n"), 0
    for part in parts:
        size = len(part)
        places = (place for place in range(at, len(lines) - size + 1) if lines[place : place + size] == part)
        if (place := next(places, -1)) < 0:
            return False
        at = place + size
    return True
