"""Find which tickets that are no longer listed are in the release: most trackers close a ticket when it is merged."""

from __future__ import annotations

from collections.abc import Sequence

from sessions.day.context import Day
from sessions.ledger.record import Record, State
from sessions.reporting.index import read_all_days
from sessions.source.mirror import Mirror


def released_tickets(day: Day, record: Record) -> tuple[int, ...]:
    """Return the tickets that earlier days listed and this one does not, and whose newest commit the release has.

    Those that an earlier day saw in a release are left out. A ticket that was squashed or rebased has another commit
    in the release, and is not found.

    Raises :class:`SourceError` if git fails.
    """
    if day.is_part or day.options.plan or record.state is State.BROKEN or not record.tickets:
        return ()
    earlier = [each for each in read_all_days(day.home, {day.folder.name: record}) if each.date < record.date]
    commits = {ticket.number: ticket.commit for each in earlier for ticket in each.tickets if ticket.commit}
    for ticket in record.tickets:
        commits.pop(ticket.number, None)
    for number in (number for each in earlier for number in each.released):
        commits.pop(number, None)
    bases = [each.base for each in earlier if each.base != record.base]
    if not commits or not bases:
        return ()
    brought = _new_commits(day.mirror, bases, record.base)
    return tuple(sorted(number for number, commit in commits.items() if commit in brought))


def _new_commits(mirror: Mirror, bases: Sequence[str], release: str) -> frozenset[str]:
    """Return the commits of a release that the oldest of these bases of earlier days lacks."""
    known = [f"^{bases[0]}"] if mirror.present(bases[:1]) else []
    return frozenset(mirror.repository.git("rev-list", release, *known).text.split())
