"""The changes that make a pull request say what an account says: one comment, a commit status, and labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.eligibility import plain
from sessions.tickets.model import Account, Verdict
from sessions.tickets.refusals import Change, Planned, TicketPart
from sessions.tickets.trackers.forge.comment import comment_text, matter, says_the_same

CONTEXT = "integrand"
"""The name of our commit status."""

StatusState = Literal["success", "failure", "error", "pending"]


@dataclass(frozen=True, kw_only=True)
class OwnComment:
    """Our comment: the forge's id of it, and its text."""

    id: str
    body: str


@dataclass(frozen=True, kw_only=True)
class OwnStatus:
    """Our status of a commit. ``state`` is a :data:`StatusState`, or what else the forge has."""

    state: str
    description: str


@dataclass(frozen=True, kw_only=True)
class PullState:
    """What a pull request has now.

    ``status`` is that of the tested commit, and ``has_commit`` whether the forge still has that commit. ``head`` is the
    pull request's newest commit, ``locked`` whether its conversation is.
    """

    comment: OwnComment | None
    status: OwnStatus | None
    has_commit: bool
    labels: tuple[str, ...]
    head: str
    locked: bool


class PullWriter(Protocol):
    """Writes to one pull request. Each method raises :class:`RefusedError` where the forge refuses the change."""

    @property
    def before(self) -> PullState:
        """What the pull request had before it is written to."""
        ...

    @property
    def longest_comment(self) -> int:
        """The most characters that a comment may have."""
        ...

    def kept_status(self, status: OwnStatus) -> OwnStatus:
        """Return the status as the forge keeps it, such as with a shorter description."""
        ...

    def write_comment(self, change: Change, text: str) -> None:
        """Write our comment, or replace its text."""
        ...

    def set_status(self, change: Change, commit: str, status: OwnStatus, url: str) -> None:
        """Set our status of a commit, with a link where ``url`` is not empty."""
        ...

    def add_label(self, change: Change, label: str) -> None:
        """Add a label."""
        ...

    def remove_label(self, change: Change, label: str) -> None:
        """Remove a label, which may be gone already."""
        ...


def plan_changes(writer: PullWriter, account: Account, marker: str, settings: Tracker) -> Iterator[Planned]:
    """Yield the changes that make a pull request say what ``account`` says; none if it says so already."""
    yield from plan_comment(writer, account, marker)
    yield from plan_status(writer, account)
    yield from plan_labels(writer, account, settings)


def plan_comment(writer: PullWriter, account: Account, marker: str) -> Iterator[Planned]:
    """Write our comment, or edit it in place, where it says something else."""
    state = writer.before
    text = comment_text(account, marker, state.head, writer.longest_comment)
    if state.comment and says_the_same(state.comment.body, text):
        return
    # That a conversation was unlocked is a reason to try again.
    change = Change.of(account.number, TicketPart.COMMENT, matter(text), state.locked)
    yield Planned(change=change, write=partial(writer.write_comment, change, text))


def plan_status(writer: PullWriter, account: Account) -> Iterator[Planned]:
    """Set the status of the tested commit, unless the forge has lost that commit."""
    status = writer.kept_status(OwnStatus(state=_state_of(account.verdict), description=account.summary))
    if not writer.before.has_commit or writer.before.status == status:
        return
    change = Change.of(account.number, TicketPart.STATUS, account.commit, status.state, status.description)
    yield Planned(change=change, write=partial(writer.set_status, change, account.commit, status, account.url))


def plan_labels(writer: PullWriter, account: Account, settings: Tracker) -> Iterator[Planned]:
    """Move the labels of a ticket at fault, unless its author has pushed since: the push may be the remedy."""
    state = writer.before
    if not (account.is_at_fault and settings.at_fault) or state.head != account.commit:
        return
    if plain(settings.at_fault) not in {plain(label) for label in state.labels}:
        change = Change.of(account.number, TicketPart.LABEL, account.commit, settings.at_fault)
        yield Planned(change=change, write=partial(writer.add_label, change, settings.at_fault))
    ready = {plain(label) for label in settings.ready} - {plain(settings.at_fault)}
    for label in (label for label in state.labels if plain(label) in ready):
        change = Change.of(account.number, TicketPart.LABEL_REMOVAL, account.commit, label)
        yield Planned(change=change, write=partial(writer.remove_label, change, label))


def _state_of(verdict: Verdict) -> StatusState:
    match verdict:
        case Verdict.INTEGRATED | Verdict.ALREADY_MERGED:
            return "success"
        case Verdict.CULPRIT | Verdict.FLAKY | Verdict.CONFLICT:
            return "failure"
        case Verdict.UNFETCHABLE:
            return "error"
        case _:  # it waits for another ticket, a label, or time
            return "pending"
