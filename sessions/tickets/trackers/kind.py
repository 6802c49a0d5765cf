"""The interface of trackers: what a tracker's module must provide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects import Dialect
from sessions.tickets.model import Account, Ticket
from sessions.tickets.patch_series import SeriesApplier, apply_nothing
from sessions.tickets.refusals import Change, WriteResult
from sessions.tickets.trackers.issues import IssueTracker

PATIENCE = 300.0
"""Seconds for which a call to a tracker is repeated if it is refused."""


RefLister = Callable[[str], Mapping[str, str]]
"""Returns the full refs of a repository, with the hex ids that they are at; the empty address is the project's own.

Of an annotated tag, ``refs/tags/a^{}`` is the commit that it points to.

Raises :class:`SourceError` where the repository cannot be read.
"""


TagChecker = Callable[[str, str, Path], str]
"""Returns why a tag counts as unsigned, given its repository, its full ref and the file of who may sign; else nothing.

Raises :class:`SourceError` where that cannot be known.
"""


def check_no_tag(_repository: str, _ref: str, _signers: Path) -> str:
    """The answer where no repository is at hand."""
    return "there is no repository at hand in which its signature could be checked"


def no_refs(_repository: str) -> Mapping[str, str]:
    """List no refs: for callers without access to repositories."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a tracker is given: seconds of ``patience`` with its server, and access to git repositories.

    ``apply_patches`` makes branches of patches, ``check_tag`` looks who signed a tag. ``folder`` is the state folder: a
    tracker that is no file and has no server to write to puts its texts there.
    With ``labels_only``, :meth:`TicketSource.read` may leave out what takes a request for each ticket: reviews, checks
    and dependencies.
    """

    patience: float = PATIENCE
    list_refs: RefLister = no_refs
    apply_patches: SeriesApplier = apply_nothing
    check_tag: TagChecker = check_no_tag
    folder: Path = Path()
    labels_only: bool = False


class TicketSource(Protocol):
    """The tracker of one project, from which tickets are read and to which their verdicts are written."""

    @property
    def url(self) -> str:
        """Its address as ``[tickets] url`` should name it."""
        ...

    def read(self) -> tuple[Ticket, ...]:
        """Return all open tickets, each number once. Never returns a part of them: raises :class:`TrackerError`."""
        ...

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:
        """Write a ticket's verdict where its author reads it, without the changes that were refused before.

        Writes nothing if the ticket says the same already. A change that the tracker refuses does not prevent the
        others.

        Raises :class:`TrackerError` if the tracker fails otherwise.
        """
        ...

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:
        """Close a ticket whose ``commit`` is in ``release``, if it is still open and at that commit.

        Raises :class:`TrackerError` if the tracker fails.
        """
        ...


@runtime_checkable
class IssueSource(Protocol):
    """A tracker that has issues beside its tickets, numbered together with them."""

    def open_issues(self, numbers: Collection[int]) -> frozenset[int]:
        """Return which of these tickets and issues are open.

        Raises :class:`TrackerError` where one of them cannot be seen.
        """
        ...


def nothing_recognised(_text: str) -> str:
    """Recognise nothing: for trackers that cannot be found from a clone's origin, or from a file in it."""
    return ""


@dataclass(frozen=True, kw_only=True)
class TrackerKind:
    """All that the rest of Integrand knows about a kind of tracker.

    ``name`` is the value of ``[tickets] tracker``; ``title`` is its name in sentences, ``noun`` what ``--tracker``
    takes ("a GitHub repository"), ``tickets`` what its tickets are called. ``connect`` makes the tracker from
    ``[tickets]`` and its surroundings; it need not call the server yet.

    ``recognise`` and ``recognise_origin`` get what a user typed after ``init --tracker``, and the address of a clone's
    origin; they return the ``[tickets] url`` to use, empty where it is none of this kind. ``recognise_file`` does so
    with the text of the file called ``sign`` that the newest release has: it is asked first. ``init`` reads the tickets
    of a kind that is ``read_by_init`` and derives labels and milestone from them; for others it writes ``ready`` and
    ``milestone`` as they are here, and ``ready`` also if no label in use says that a ticket is ready. A kind that
    ``takes_any_address`` is tried after all others. ``is_file``: ``url`` is a path relative to the configuration's
    folder.

    ``prefix`` is what its numbers begin with where a project has several trackers, and chooses no other.
    ``tokens`` are the environment variables from which it takes credentials, the usual one first. ``merge_subjects``
    and ``merge_trailers`` are how its merge commits name a ticket (see :class:`MergeSubjects`). ``request_ref`` is
    where its repositories keep a ticket's commits, with ``{number}`` in it. ``dialect`` is the markup of its comments.
    ``connect_issues`` connects to its issues as ``connect`` does to its tickets, where it can keep issues of ours.
    """

    name: str
    title: str
    noun: str
    connect: Callable[[Tracker, Surroundings], TicketSource]
    dialect: Dialect
    recognise: Callable[[str], str]
    recognise_origin: Callable[[str], str] = nothing_recognised
    sign: str = ""
    recognise_file: Callable[[str], str] = nothing_recognised
    tickets: str = "tickets"
    prefix: str = ""
    tokens: tuple[str, ...] = ()
    merge_subjects: tuple[str, ...] = ()
    merge_trailers: tuple[str, ...] = ()
    request_ref: str = ""
    takes_any_address: bool = False
    is_file: bool = False
    read_by_init: bool = False
    ready: tuple[str, ...] = ()
    milestone: str = ""
    connect_issues: Callable[[Tracker, Surroundings], IssueTracker] | None = None
