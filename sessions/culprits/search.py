"""Which ticket makes one test fail, alone or with others. Pure: it asks for probes, and is sent what they showed.

The merge line is bisected: some start of it passes and the start that is one ticket longer fails. If that ticket
fails with nothing but what it depends on, it is at fault alone; else the line is bisected again with that ticket
held fast, which gives the partner without which it passes, and so on until the group fails by itself. Every
search of a day asks about starts of the same line, so that one probe answers many of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sessions.tickets.order import Needs, closure

Subset = frozenset[int]
# "unclear": the subset does not merge, or does not build, so the test could not be run.
Answer = Literal["fails", "passes", "unclear"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Does the test fail on the release with these tickets? ``attempt`` 2 is a second, independent run."""

    tickets: Subset
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Blame:
    """Who breaks the test, and the runs that show it.

    ``culprits`` leave: one ticket, or several where what lies between them could not be tested. ``partners`` came
    before them in the line and stay: without any of them, the test passes. ``fails`` and ``passes`` are the
    subsets that showed it, each seen twice.
    """

    culprits: tuple[int, ...]
    partners: tuple[int, ...]
    fails: Subset
    passes: tuple[Subset, ...]


@dataclass(frozen=True, kw_only=True)
class Flaky:
    """The same tickets gave different answers: nobody is to blame."""

    tickets: Subset


# What is known of a subset already, without asking.
Known = Callable[[Subset], Answer | None]
Search = Generator[Ask, Answer, Blame | Flaky]


def search(line: Sequence[int], needs: Needs, known: Known = lambda _subset: None) -> Search:
    """Find who makes a test fail on the whole ``line`` (merge order) that passes on the release.

    ``known`` tells what other searches' probes showed about this test by the way.
    """
    # What tickets need beside the line is in the release already.
    needs = {number: needs.get(number, frozenset()) & frozenset(line) for number in line}
    low, high = yield from _bisect(lambda length: frozenset(line[:length]), len(line), known)
    culprits = tuple(line[low:high])
    partners, whole = yield from _partners(line, high, culprits, needs, known)
    group = frozenset(culprits + partners)
    fails = closure(group, needs) if whole else frozenset(line[:high])
    passes = _counterparts(line[:low], group, fails, needs, alone=whole)
    for subset in passes:
        if (yield Ask(tickets=subset)) != "passes":
            # What the ticket depends on fails by itself when alone: the line's own two neighbours still tell.
            fails, passes = frozenset(line[:high]), (frozenset(line[:low]),)
            break
    return (yield from _confirm(Blame(culprits=culprits, partners=partners, fails=fails, passes=passes)))


def _bisect(subset: Callable[[int], Subset], high: int, known: Known) -> Generator[Ask, Answer, tuple[int, int]]:
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
) -> Generator[Ask, Answer, tuple[tuple[int, ...], bool]]:
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
    before: Sequence[int], group: Subset, fails: Subset, needs: Needs, *, alone: bool
) -> tuple[Subset, ...]:
    """The subsets that must pass: the failing one without each member of the group in turn."""
    if not alone:
        return (frozenset(before),)
    rest = [closure(group - {member}, needs) for member in sorted(group)]
    if len(group) == 1:
        return (fails - group,)
    return tuple(subset for subset in rest if subset != fails)


def _confirm(blame: Blame) -> Search:
    for subset, expected in ((blame.fails, "fails"), *((passing, "passes") for passing in blame.passes)):
        if subset and (yield Ask(tickets=subset, attempt=2)) != expected:
            return Flaky(tickets=subset)
    return blame
