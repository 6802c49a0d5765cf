"""The line itself, bisected: the search that needs no idea of how many tickets are at fault, nor of what merges. Pure.

The merge line is bisected: some start of it passes and the start that is one ticket longer fails. If that ticket
fails with nothing but what it depends on, it is at fault alone; else the line is bisected again with that ticket
held fast, which gives the partner without which it passes, and so on until the group fails by itself. (QuickXplain
and delta debugging find minimal failing sets in like manner.) Starts of the line always merge, and all such searches
of a day ask about the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

from sessions.culprits.findings import Ask, Blame, Subset, Weighed
from sessions.tickets.order import Needs, closure

# What is known of a subset already, without asking.
Known = Callable[[Subset], Weighed | None]
Bisection = Generator[Ask, Weighed, Blame]


def bisect_line(line: Sequence[int], needs: Needs, known: Known) -> Bisection:
    """Find who makes a test fail on the whole ``line`` (merge order) that passes on the release.

    Every subset of the blame was asked about, but for those that are ``known``.
    """
    # What tickets need beside the line is in the release already.
    needs = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    low, high = yield from _bisect(lambda length: frozenset(line[:length]), len(line), known)
    culprits = tuple(line[low:high])
    partners, whole = yield from _partners(line, high, culprits, needs, known)
    group = partners + culprits
    fails = closure(frozenset(group), needs) if whole else frozenset(line[:high])
    passes = _counterparts(line[:low], group, fails, needs, alone=whole)
    for subset in passes:
        if (yield Ask(tickets=subset)) != "passes":
            # What the ticket depends on fails by itself when alone: the line's own two neighbours still tell.
            fails, passes = frozenset(line[:high]), (frozenset(line[:low]),)
            whole = False
            break
    # At their place in the line, runs show nothing of partners: then none is named.
    return Blame(culprits=culprits, partners=partners if whole else (), fails=fails, passes=passes)


def _bisect(subset: Callable[[int], Subset], high: int, known: Known) -> Generator[Ask, Weighed, tuple[int, int]]:
    """The lengths (low passes, high fails) between which nothing can be told, usually neighbours."""
    told = {length: known(subset(length)) for length in range(1, high)}
    high = min((length for length, answer in told.items() if answer == "fails"), default=high)
    low = max((length for length, answer in told.items() if answer == "passes" and length < high), default=0)
    unclear = {length for length, answer in told.items() if answer == "unclear"}
    while untried := [length for length in range(low + 1, high) if length not in unclear]:
        middle = min(untried, key=lambda length: (abs(2 * length - low - high), length))
        match (yield Ask(tickets=subset(middle))):
            case "fails":
                high = middle
            case "passes":
                low = middle
            case "unclear":
                unclear.add(middle)
    return low, high


def _partners(
    line: Sequence[int], high: int, culprits: tuple[int, ...], needs: Needs, known: Known
) -> Generator[Ask, Weighed, tuple[tuple[int, ...], bool]]:
    """The earlier tickets without which the culprits do no harm, and whether the group fails all by itself."""
    partners: tuple[int, ...] = ()
    end = high - len(culprits)
    while True:
        held = closure(frozenset(culprits + partners), needs)
        if held >= frozenset(line[:high]):
            return partners, True
        match (yield Ask(tickets=held)):
            case "fails":
                return partners, True
            case "unclear":
                return partners, False
            case "passes":
                _, end = yield from _bisect(partial(_with_start, held, line), end, known)
                if end == 0:
                    return partners, False
                partners = (line[end - 1], *partners)
                end -= 1


def _with_start(held: Subset, line: Sequence[int], length: int) -> Subset:
    return held | frozenset(line[:length])


def _counterparts(
    before: Sequence[int], group: tuple[int, ...], fails: Subset, needs: Needs, *, alone: bool
) -> tuple[Subset, ...]:
    """The subsets that must pass: the failing one without each member of the group in turn."""
    if not alone:
        return (frozenset(before),)
    rest = [closure(frozenset(group) - {member}, needs) for member in group]
    if len(group) == 1:
        return (fails - set(group),)
    return tuple(subset for subset in rest if subset != fails)
