"""Changes of a ticket, and their results: made, refused, or not tried because they were refused before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sessions.terminal.errors import RefusedError


class TicketPart(StrEnum):
    """The parts of a ticket that can be changed. The tracker can refuse each by itself."""

    COMMENT = "comment"
    STATUS = "status"
    LABEL = "label"
    LABEL_REMOVAL = "removal of a label"
    CLOSING = "closing"
    TICKET = "ticket"
    """The ticket as a whole, if it is gone or not visible."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change to a part of a ticket. ``digest`` is a hash of the new content, which identifies the change."""

    number: int
    part: TicketPart
    digest: str

    @classmethod
    def of(cls, number: int, part: TicketPart, *content: object) -> Change:
        """Create the change with the given content, whose pieces are converted to text."""
        text = "\0".join(map(str, content)).encode("utf-8", "replace")
        return cls(number=number, part=part, digest=hashlib.sha256(text).hexdigest()[:16])


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refused change. ``why`` is a sentence that says what to do.

    ``may_be_setup``: the token, its rights or a configured name may be the reason, not the ticket.
    """

    change: Change
    why: str
    may_be_setup: bool = False


@dataclass(frozen=True, kw_only=True)
class WriteResult:
    """The result of writing to one ticket: changed parts, refusals, and changes skipped as they were refused before."""

    changed: tuple[TicketPart, ...] = ()
    refused: tuple[Refusal, ...] = ()
    skipped: tuple[Change, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all changes were made, or needed none."""
        return not (self.refused or self.skipped)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A change, and the call that makes it. ``write`` raises :class:`RefusedError` if the tracker refuses it."""

    change: Change
    write: Callable[[], object]


def carry_out(planned: Iterable[Planned], refused_before: Collection[Change]) -> WriteResult:
    """Make each change that was not refused before. A refused change does not prevent the others.

    Raises :class:`TrackerError` if the tracker fails otherwise; the next call makes the missing changes.
    """
    changed, refused, skipped = list[TicketPart](), list[Refusal](), list[Change]()
    for each in planned:
        if each.change in refused_before:
            skipped.append(each.change)
            continue
        try:
            each.write()
        except RefusedError as error:
            refused.append(Refusal(change=each.change, why=str(error), may_be_setup=error.may_be_setup))
        else:
            changed.append(each.change.part)
    return WriteResult(changed=tuple(changed), refused=tuple(refused), skipped=tuple(skipped))


def cannot_see(number: int, error: RefusedError) -> WriteResult:
    """Return the result for a ticket that the tracker does not show any more."""
    change = Change.of(number, TicketPart.TICKET, error)
    return WriteResult(refused=(Refusal(change=change, why=str(error), may_be_setup=error.may_be_setup),))
