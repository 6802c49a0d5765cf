"""With which tickets of the merge line a ticket conflicts, whether that is open or settled by a kept resolution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.source.unmerged import Use
from sessions.tickets.model import Conflict, Ticket


def conflict_in(clash: Clash, path: str, ticket: Ticket, heads: Sequence[Candidate], merger: Merger) -> Conflict:
    """Return with whom a ticket clashes in one file of ``clash``, its merge onto the last of ``heads``."""
    place = _first_clash(ticket, path, heads, merger)
    with_ = heads[place].tickets[-1:]
    shown = merger.merge(heads[place], ticket)
    if isinstance(shown, Candidate):  # settled there, but another file of the same merge is not
        return Conflict(with_=with_, path=path, lines="", kind=clash.kinds[path], hunk="")
    where = shown.place(path)
    return Conflict(with_=with_, path=path, lines=where.lines, kind=where.kind, hunk=where.hunk)


def used_resolutions(
    ticket: Ticket, heads: Sequence[Candidate], merger: Merger
) -> Iterator[tuple[Use, tuple[int, ...]]]:
    """Yield the kept resolutions that the merge of ``ticket`` used, and the tickets with which it would conflict.

    ``heads`` are the line as it grew, up to that merge.
    """
    for use in heads[-1].uses:
        if use.ticket == ticket.number:
            others = use.others
            if not use.is_fix_up:
                places = {_first_clash(ticket, path, heads[:-1], merger) for path in use.paths}
                others = tuple(sorted({number for place in places for number in heads[place].tickets[-1:]}))
            yield use, others


def _first_clash(ticket: Ticket, path: str, heads: Sequence[Candidate], merger: Merger) -> int:
    """Return where the line begins to clash with a ticket in one file, as an index of ``heads``.

    ``heads`` are the line as it grew, from the release on. The one before still takes the ticket without a clash in
    this file, and this one, which is one ticket longer, does not: that ticket is named. It is true both ways, and
    holds for clashes that need more than two. What a kept resolution would make of them is not looked up.
    """
    low, high = -1, len(heads) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if path in merger.conflict_paths(heads[middle], ticket) else (middle, high)
    return high
