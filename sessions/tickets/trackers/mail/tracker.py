"""The tracker of patch series in a mailbox."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import RefusedError
from sessions.tickets.model import Account, Ticket
from sessions.tickets.patch_series import PatchSeries, SeriesBranch
from sessions.tickets.refusals import Change, TicketPart, WriteResult, cannot_see
from sessions.tickets.trackers.kind import Surroundings
from sessions.tickets.trackers.mail.mailbox import read_mailbox
from sessions.tickets.trackers.mail.outbox import Outbox, draft_answer
from sessions.tickets.trackers.mail.series import Series, find_series
from sessions.tickets.trackers.mail.versions import replaced_by

_LONGEST_DESCRIPTION = 10_000


@dataclass(frozen=True)
class MailTracker:
    """The series in the mailbox at ``config.url``. A series' number is made of the id of its first mail."""

    config: Tracker
    surroundings: Surroundings

    @property
    def url(self) -> str:
        """The path or the address of the mailbox."""
        return self.config.url

    @cached_property
    def series(self) -> Mapping[int, Series]:
        """All series in all versions, by number, the oldest first.

        Raises :class:`TrackerError` where the mailbox cannot be read.
        """
        found: dict[int, Series] = {}
        for each in find_series(read_mailbox(self.url, self.surroundings.patience)):
            number = next(number for number in series_numbers(each.head.message_id) if number not in found)
            found[number] = each
        return found

    @property
    def outbox(self) -> Outbox:
        """Where the drafts are: beside the mailbox, or in the state folder where that is elsewhere."""
        is_here = "://" not in self.url
        return Outbox(
            Path(self.url.rstrip("/")).with_suffix(".outbox") if is_here else self.surroundings.folder / "outbox"
        )

    def read(self) -> tuple[Ticket, ...]:
        """Return a ticket for each series in each version; that there is a newer one holds a ticket back.

        Raises :class:`TrackerError` where the mailbox cannot be read, :class:`SourceError` where the repository fails.
        """
        reader = _Reader(series=dict(self.series), surroundings=self.surroundings, archive=self._archive)
        return tuple(reader.ticket(number) for number in self.series)

    def tell(self, account: Account, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002  no server
        """Write a draft of an answer to the series, unless the last draft was the same. Nothing is sent.

        Raises :class:`TrackerError` where the mailbox cannot be read, or the outbox not be written.
        """
        if account.number not in self.series:
            return _is_gone(account.number)
        head = self.series[account.number].head
        is_new = self.outbox.put(f"{account.number}.eml", draft_answer(head, account.text))
        return WriteResult(changed=(TicketPart.COMMENT,) if is_new else ())

    def close(self, ticket: Ticket, release: str, refused_before: Collection[Change] = ()) -> WriteResult:  # noqa: ARG002
        """Write a draft that says which release contains the series. Raises as :meth:`tell`."""
        if ticket.number not in self.series:
            return _is_gone(ticket.number)
        text = f"Release {release} contains this series.\n"
        draft = draft_answer(self.series[ticket.number].head, text)
        is_new = self.outbox.put(f"{ticket.number}.closed.eml", draft)
        return WriteResult(changed=(TicketPart.CLOSING,) if is_new else ())

    @property
    def _archive(self) -> str:
        """The address of the inbox below which each mail has its page, empty where the mailbox is a file."""
        parts = urlsplit(self.url)
        inbox = parts.path.strip("/").partition("/")[0]
        return f"{parts.scheme}://{parts.netloc}/{inbox}" if "://" in self.url else ""


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Makes tickets of series, each dependency before what needs it."""

    series: Mapping[int, Series]
    surroundings: Surroundings
    archive: str

    @cached_property
    def _newest(self) -> Mapping[int, int]:
        """For each series that is replaced, the newest version, by number."""
        numbers = tuple(self.series)
        places = replaced_by(tuple(self.series.values()))
        return {numbers[old]: numbers[new] for old, new in places.items()}

    @cached_property
    def _by_mail(self) -> Mapping[str, int]:
        return {mail.message_id: number for number, each in self.series.items() for mail in each.mails.values()}

    @cached_property
    def _branches(self) -> dict[int, SeriesBranch]:
        return {}

    def ticket(self, number: int) -> Ticket:
        """The ticket of a series."""
        each = self.series[number]
        name, address = each.head.author
        held = self._held(number)
        branch = SeriesBranch(fault=held) if held else self._branch(number, ())
        reviewers = (line.partition(": ")[2] for place in each.mails if place for line in each.trailers(place))
        return Ticket(
            number=number,
            title=each.subject.title,
            url=f"{self.archive}/{each.head.message_id}/" if self.archive else "",
            labels=(*each.subject.tags, *each.approvals),
            branch=branch.branch,
            commit=branch.commit,
            repository=branch.repository,
            depends=self._depends(number),
            authors=(name or address,),
            reviewers=tuple(dict.fromkeys(reviewer.partition(" <")[0] for reviewer in reviewers)),
            description=each.head.text.partition("\n---\n")[0][:_LONGEST_DESCRIPTION],
            held=branch.fault,
        )

    def _depends(self, number: int) -> tuple[int, ...]:
        """The newest versions of the series that a series needs, as far as they are in the mailbox."""
        found = (self._by_mail[name] for name in self.series[number].needs if name in self._by_mail)
        return tuple(sorted({self._newest.get(each, each) for each in found} - {number}))

    def _held(self, number: int) -> str:
        """What keeps a series from being applied at all."""
        each = self.series[number]
        if newer := self._newest.get(number):
            return f"version {self.series[newer].subject.version} replaces it, #{newer}"
        if each.missing:
            places = ", ".join(map(str, each.missing[:5])) + ("…" if len(each.missing) > 5 else "")
            return f"{len(each.missing)} of its {each.subject.count} patches are missing: {places}"
        unknown = next((name for name in each.needs if name not in self._by_mail), "")
        return f"it depends on <{unknown}>, which is not in the mailbox" if unknown else ""

    def _branch(self, number: int, waiting: tuple[int, ...]) -> SeriesBranch:
        """The branch of a series: onto that of the last series that it needs, which can need others."""
        if number not in self._branches:
            each = self.series[number]
            needed = [other for other in self._depends(number) if other not in (*waiting, number)]
            below = [self._branch(other, (*waiting, number)) for other in needed if not self._held(other)]
            base = next((branch.commit for branch in reversed(below) if branch.commit), each.base)
            trailers = tuple(each.trailers(place) for place in sorted(each.mails) if place)
            patches = tuple(mail.raw for mail in each.patches)
            self._branches[number] = self.surroundings.apply_patches(
                PatchSeries(number=number, patches=patches, trailers=trailers, base=base)
            )
        return self._branches[number]


def series_numbers(message_id: str) -> Iterator[int]:
    """Numbers of six digits for a mail, the usual one first; the others are for the rare case that it is taken."""
    content = message_id.encode("utf-8", "replace")
    while True:
        content = hashlib.sha256(content).digest()
        yield 100_000 + int.from_bytes(content[:8]) % 900_000


def _is_gone(number: int) -> WriteResult:
    return cannot_see(number, RefusedError(f"The mailbox has no series #{number} any more."))
