"""A ticket as its tracker describes it, and its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sessions.terminal.ticket_numbers import TicketNumber, name_ticket

# How many tickets a list names before it says how many more there are.
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A Trac ticket or pull request, pinned to the commit that was reviewed.

    ``labels`` are all labels that decide eligibility and priority: GitHub's labels; in Trac, the status and the
    priority. ``commit`` is the reviewed commit as a full hex id; if the tracker has none, it is empty, and the tip of
    the branch is used. ``branch`` is a ref of the project's repository (``u/jane/fix``, ``refs/pull/7/head``), or of
    the ``repository`` at another address. ``depends`` are the numbers of the tickets that must be merged first.
    ``together`` are the numbers of the tickets without which this one is not merged, in any order. ``target`` is the
    branch that the ticket is for, empty if the tracker has none. ``links`` are addresses of tickets of other trackers
    that must be merged first. ``held`` is why the tracker blocks the ticket whatever its labels are ("it is a draft"),
    or empty. ``origin`` is the commit of the ticket's own branch where a backport is merged instead, and else empty.
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
    links: tuple[str, ...] = ()
    origin: str = ""


class Verdict(StrEnum):
    """The result for a ticket today: exactly one of these."""

    INTEGRATED = "integrated"
    INELIGIBLE = "ineligible"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    CULPRIT = "culprit"
    FLAKY = "flaky"
    ALREADY_MERGED = "already-merged"
    UNFETCHABLE = "unfetchable"
    NOT_REACHED = "not-reached"

    @property
    def is_at_fault(self) -> bool:
        """Whether the ticket's author has something to repair."""
        return self in (Verdict.CULPRIT, Verdict.CONFLICT, Verdict.FLAKY)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A file in which a ticket conflicts ``with`` other tickets, or with the release if that is empty."""

    with_: tuple[TicketNumber, ...]
    path: str
    lines: str
    kind: str
    hunk: str


@dataclass(frozen=True, kw_only=True)
class UsedResolution:
    """A kept resolution of a conflict, named by its ``id``, that the merge of ``ticket`` used.

    ``with_`` are the tickets that it would conflict with or break something with, none for the release. ``paths`` are
    the files that the resolution decided, ``author`` and ``date`` (ISO) say who recorded it. ``dropped`` is why it was
    not used in the end, empty where it was.
    """

    id: str
    ticket: TicketNumber
    with_: tuple[TicketNumber, ...]
    paths: tuple[str, ...]
    author: str
    date: str
    dropped: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakage:
    """A test that a ticket breaks, together ``with`` its partners or alone, and the evidence.

    ``commit`` and ``tree`` belong to the candidate that shows the failure; they are empty if it could not be merged
    again. ``file`` is the test's file, empty if a gate fails as a whole. ``command`` runs the test there. With
    ``is_build``, the build fails rather than a gate. ``kind`` is how the test fails, as in
    :class:`~sessions.gates.results.Failure`; if too few tests of a file ran, ``expected`` is how many ran on the
    release.
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
class Alternative:
    """The best set that has a ticket which is out: the tickets that it lacks instead, and those that it has besides."""

    without: tuple[TicketNumber, ...]
    besides: tuple[TicketNumber, ...] = ()

    def __str__(self) -> str:
        """A clause such as ``it would be in, together with #3, without #5 and #7``."""
        besides = f", together with {name_some(self.besides)}," if self.besides else ""
        without = f" without {name_some(self.without)}" if self.without else ""
        return f"it would be in{besides}{without}"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict with its reason and evidence; ``alternative`` is known where the best set was chosen."""

    verdict: Verdict
    reason: str = ""
    blocked_by: tuple[int, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    broke: tuple[Breakage, ...] = ()
    alternative: Alternative | None = None
    resolutions: tuple[UsedResolution, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Account:
    """The comment for one ticket.

    ``commit`` is the tested commit, or empty. ``text`` is in the markup of the tracker, and safe to show there;
    ``summary`` is one plain line of at most 140 characters. ``url`` is the address of the full report, or empty.
    """

    number: int
    verdict: Verdict
    commit: str
    summary: str
    text: str
    url: str = ""

    @property
    def is_at_fault(self) -> bool:
        """Whether the author has something to fix. Only then do labels and statuses change."""
        return self.verdict.is_at_fault


def name_tickets(numbers: Iterable[int]) -> str:
    """Join references to tickets: ``#3, #5 and #7``."""
    *most, last = [name_ticket(number) for number in sorted(numbers)] or ["no ticket"]
    return f"{', '.join(most)} and {last}" if most else last


def name_some(numbers: Sequence[int]) -> str:
    """Name the first tickets, and say how many more there are: ``#3, #5, #7, #8, #9 and 2 more``."""
    named = numbers[:_NAMED]
    rest = len(numbers) - len(named)
    return f"{', '.join(map(name_ticket, named))} and {rest} more" if rest else name_tickets(named)
