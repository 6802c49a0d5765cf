"""Bisection of the merge line: a search that works whatever the number of culprits, and whatever merges. Pure.

Some start of the line passes and the start that is one ticket longer fails. If that ticket fails with nothing but its
dependencies, it is the only culprit. Else the line is bisected again with that ticket held fixed, which gives the
partner without which it passes, and so on until the group fails by itself. (QuickXplain and delta debugging find
minimal failing sets in the same way.) Starts of the line always merge, and all bisections of a day query the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

from sessions.culprits.findings import Blame, Query, SearchAnswer, Subset
from sessions.tickets.order import Needs, closure

# Returns what is known about a subset without a query; ``None`` if it must be asked.
Known = Callable[[Subset], SearchAnswer | None]
Bisection = Generator[Query, SearchAnswer, Blame]


def bisect_line(line: Sequence[int], needs: Needs, known: Known) -> Bisection:
    """Find the tickets of ``line`` (merge order) with which a test fails; it passes on the release alone.

    The generator yields one query at a time. Every subset of the blame was queried, except those that are ``known``.
    """
    # Dependencies outside the line are in the release already.
    needs = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    low, high = yield from _bisect(lambda length: frozenset(line[:length]), len(line), known)
    culprits = tuple(line[low:high])
    partners, fails_alone = yield from _partners(line, high, culprits, needs, known)
    group = partners + culprits
    fails = closure(frozenset(group), needs) if fails_alone else frozenset(line[:high])
    passes = _passing_subsets(line[:low], group, fails, needs, alone=fails_alone)
    for subset in passes:
        if (yield Query(tickets=subset)) != "passes":
            # A dependency of the ticket fails by itself: fall back on the two neighbouring starts of the line.
            fails, passes = frozenset(line[:high]), (frozenset(line[:low]),)
            fails_alone = False
            break
    # Two starts of the line prove nothing about partners, so none is named.
    return Blame(culprits=culprits, partners=partners if fails_alone else (), fails=fails, passes=passes)


def _bisect(
    subset: Callable[[int], Subset], high: int, known: Known
) -> Generator[Query, SearchAnswer, tuple[int, int]]:
    """Return the lengths (the lower passes, the higher fails) between which all answers are unclear."""
    answers = {length: known(subset(length)) for length in range(1, high)}
    high = min((length for length, answer in answers.items() if answer == "fails"), default=high)
    low = max((length for length, answer in answers.items() if answer == "passes" and length < high), default=0)
    unclear = {length for length, answer in answers.items() if answer == "unclear"}
    while untried := [length for length in range(low + 1, high) if length not in unclear]:
        middle = min(untried, key=lambda length: (abs(2 * length - low - high), length))
        match (yield Query(tickets=subset(middle))):
            case "fails":
                high = middle
            case "passes":
                low = middle
            case "unclear":
                unclear.add(middle)
    return low, high


def _partners(
    line: Sequence[int], high: int, culprits: tuple[int, ...], needs: Needs, known: Known
) -> Generator[Query, SearchAnswer, tuple[tuple[int, ...], bool]]:
    """Return the earlier tickets without which the culprits pass, and whether the group fails by itself."""
    partners: tuple[int, ...] = ()
    end = high - len(culprits)
    while True:
        held = closure(frozenset(culprits + partners), needs)
        if held >= frozenset(line[:high]):
            return partners, True
        match (yield Query(tickets=held)):
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


def _passing_subsets(
    before: Sequence[int], group: tuple[int, ...], fails: Subset, needs: Needs, *, alone: bool
) -> tuple[Subset, ...]:
    """Return the subsets that must pass: the failing one without each member of the group in turn."""
    if not alone:
        return (frozenset(before),)
    if len(group) == 1:
        return (fails - set(group),)
    without_one = [closure(frozenset(group) - {member}, needs) for member in group]
    return tuple(subset for subset in without_one if subset != fails)
