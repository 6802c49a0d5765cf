"""A ticket as its tracker describes it, and what can become of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One Trac ticket or pull request, pinned to the commit that was reviewed.

    ``labels`` are all words by which eligibility and priority are decided: GitHub's labels; in Trac the status and
    the priority. ``commit`` is the reviewed commit as a full hex id, or empty where the tracker names none: then the
    tip of the branch is taken. ``branch`` is a ref of the project's repository (``u/jane/fix``,
    ``refs/pull/7/head``); ``repository`` is the address of another one that has it, or empty.
    ``depends`` are the numbers of the tickets that must come first, which each tracker reads from its own notation.
    ``together`` are the numbers of the tickets without which this one is not merged, in whatever order they come.
    ``target`` is the branch that the ticket is for, empty where the tracker names none.
    ``held`` is why the tracker holds the ticket back, whatever its labels say ("it is a draft"), or empty.
    """

    number: int
    title: str
    url: str = ""
    labels: tuple[str, ...] = ()
    milestone: str = ""
    branch: str = ""
    commit: str = ""
    depends: tuple[int, ...] = ()
    authors: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    description: str = ""
    held: str = ""
    target: str = ""
    repository: str = ""
    together: tuple[int, ...] = ()


class Verdict(StrEnum):
    """What became of a ticket today: exactly one of these."""

    INTEGRATED = "integrated"
    INELIGIBLE = "ineligible"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    CULPRIT = "culprit"
    ALREADY_MERGED = "already-merged"
    UNFETCHABLE = "unfetchable"
    NOT_REACHED = "not-reached"

    @property
    def is_at_fault(self) -> bool:
        """Whether the ticket's author has something to repair."""
        return self in (Verdict.CULPRIT, Verdict.CONFLICT)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """One file in which a ticket clashes ``with`` other tickets, or with the release where that is empty."""

    with_: tuple[int, ...]
    path: str
    lines: str
    kind: str
    hunk: str


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """A test that a ticket breaks, together ``with`` its partners or alone, and how that is known.

    ``commit`` and ``tree`` are of the candidate that shows it, empty where it could not be merged again; ``file`` is
    the test's, empty where a gate fails as a whole. ``command`` runs the test there. Where ``is_build``, it is the
    build that fails and no gate, whatever the name. ``kind`` is how the test fails, as in
    :class:`~sessions.gates.results.Failure`; ``expected``, for a file of which too few tests ran, is how many ran on
    the release.
    """

    gate: str
    test: str
    with_: tuple[int, ...]
    message: str
    evidence: tuple[str, ...]
    is_build: bool = False
    kind: str = "failed"
    expected: int = 0
    file: str = ""
    commit: str = ""
    tree: str = ""
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict with its reason and evidence."""

    verdict: Verdict
    reason: str = ""
    blocked_by: tuple[int, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    broke: tuple[Breakage, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Account:
    """What is written on one ticket.

    ``commit`` is the one that was tested, empty where none was. ``text`` is in the tracker's own dialect, and safe
    to show there; ``summary`` is one plain line of at most 140 characters. ``url`` is where the full report is, or
    empty.
    """

    number: int
    verdict: Verdict
    commit: str
    summary: str
    text: str
    url: str = ""

    @property
    def is_at_fault(self) -> bool:
        """Whether the author has something to mend: only this moves labels and statuses."""
        return self.verdict.is_at_fault


def name_tickets(numbers: Iterable[int]) -> str:
    """``#3, #5 and #7``."""
    *most, last = [f"#{number}" for number in sorted(numbers)] or ["no ticket"]
    return f"{', '.join(most)} and {last}" if most else last
