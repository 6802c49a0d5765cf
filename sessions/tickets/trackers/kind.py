"""The interface of trackers: what a tracker's module must provide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects import Dialect
from sessions.tickets.model import Account, Ticket
from sessions.tickets.refusals import Change, WriteResult

PATIENCE = 300.0
"""Seconds for which a call to a tracker is repeated if it is refused."""


RefLister = Callable[[str], Mapping[str, str]]
"""Returns the full refs of a repository, with the hex ids that they are at; the empty address is the project's own.

Raises :class:`SourceError` where the repository cannot be read.
"""


def no_refs(_repository: str) -> Mapping[str, str]:
    """List no refs: for callers without access to repositories."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a tracker is given: seconds of ``patience`` with its server, and access to git repositories."""

    patience: float = PATIENCE
    list_refs: RefLister = no_refs


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


def nothing_recognised(_origin: str) -> str:
    """Recognise no origin: for trackers that cannot be found from a clone's origin."""
    return ""


@dataclass(frozen=True, kw_only=True)
class TrackerKind:
    """All that the rest of Integrand knows about a kind of tracker.

    ``name`` is the value of ``[tickets] tracker``; ``title`` is its name in sentences, ``noun`` what ``--tracker``
    takes ("a GitHub repository"), ``tickets`` what its tickets are called. ``connect`` makes the tracker from
    ``[tickets]`` and its surroundings; it need not call the server yet.

    ``recognise`` and ``recognise_origin`` get what a user typed after ``init --tracker``, and the address of a clone's
    origin; they return the ``[tickets] url`` to use, empty where it is none of this kind. ``init`` reads the tickets
    of a kind that is ``read_by_init`` and derives labels and milestone from them; for others it writes ``ready`` and
    ``milestone`` as they are here. A kind that ``takes_any_address`` is tried after all others. ``is_file``: ``url`` is
    a path relative to the configuration's folder.

    ``tokens`` are the environment variables from which it takes credentials, the usual one first. ``merge_subjects``
    are how its merge commits name a ticket (see :class:`MergeSubjects`). ``dialect`` is the markup of its comments.
    """

    name: str
    title: str
    noun: str
    connect: Callable[[Tracker, Surroundings], TicketSource]
    dialect: Dialect
    recognise: Callable[[str], str]
    recognise_origin: Callable[[str], str] = nothing_recognised
    tickets: str = "tickets"
    tokens: tuple[str, ...] = ()
    merge_subjects: tuple[str, ...] = ()
    takes_any_address: bool = False
    is_file: bool = False
    read_by_init: bool = False
    ready: tuple[str, ...] = ()
    milestone: str = ""
