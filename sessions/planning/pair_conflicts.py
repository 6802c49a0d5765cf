"""Merge all open tickets in pairs onto one base, and find who conflicts with whom, and where."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TypeVar

from sessions.auditing.patches import read_hunks
from sessions.planning.footprints import Footprint, headings, pairs_to_merge
from sessions.source.conflicts import Clash, ConflictPlace, places_of
from sessions.source.merge_tree import MergeTree
from sessions.source.merging import Candidate, Merger, twin_of
from sessions.tickets.model import Ticket

# How many trees one process compares with the base: their differences are in memory at a time.
_COMPARED_AT_ONCE = 50

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A file in which two tickets conflict. ``sections`` are headings of the places, as functions and classes."""

    place: ConflictPlace
    sections: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PairConflicts:
    """``conflicts`` by pair, lower number first; ``unfit`` are the tickets that do not merge with the base alone.

    ``fit`` are all others that change something; ``merged`` is how many pairs had to be merged.
    """

    conflicts: Mapping[tuple[int, int], tuple[Meeting, ...]]
    unfit: Mapping[int, tuple[ConflictPlace, ...]]
    fit: tuple[int, ...]
    merged: int


def find_pair_conflicts(tickets: Sequence[Ticket], merger: Merger) -> PairConflicts:
    """Merge each ticket onto ``merger.base``, and with each other ticket that changes something near.

    Raises :class:`SourceError` if git itself failed.
    """
    by_number = {ticket.number: ticket for ticket in tickets}
    with ExitStack() as stack:
        team = [stack.enter_context(closing(twin_of(merger))) for _ in range(min(os.cpu_count() or 1, 8))]
        merges = _share(team, lambda each, ticket: each.merge(each.base, ticket), tickets)
        alone = dict(zip(by_number, merges, strict=True))
        fit = {n: each for n, each in alone.items() if isinstance(each, Candidate) and each.tree != merger.base.tree}
        footprints = dict(zip(fit, _footprints(team, [each.tree for each in fit.values()]), strict=True))
        with closing(MergeTree(merger.repository)) as git:
            by_lines = not git.trees.mentions(merger.base.tree, b"merge")
        pairs = pairs_to_merge(footprints, by_lines=by_lines)

        def merge_pair(each: Merger, pair: tuple[int, int]) -> Clash | None:
            first, second = fit[pair[0]], by_number[pair[1]]
            # Both have the base, so that git compares little; the few that conflict are merged as in a day's line.
            if each.fits(first, replace(second, commit=fit[pair[1]].commit)):
                return None
            merged = each.merge(first, second)
            return merged if isinstance(merged, Clash) else None

        merged_pairs = zip(pairs, _share(team, merge_pair, pairs), strict=True)
    clashes = {pair: clash for pair, clash in merged_pairs if clash}
    conflicts = {
        (first, second): tuple(
            Meeting(place=place, sections=headings(place.path, footprints[first], footprints[second]))
            for place in places
        )
        for (first, second), places in zip(clashes, places_of(clashes.values()), strict=True)
    }
    unfit = {number: merged for number, merged in alone.items() if isinstance(merged, Clash)}
    places_alone = dict(zip(unfit, places_of(unfit.values()), strict=True))
    return PairConflicts(conflicts=conflicts, unfit=places_alone, fit=tuple(fit), merged=len(pairs))


def footprint_of(merger: Merger, tree: str) -> Footprint:
    """Return what a tree changes on the base.

    Raises :class:`SourceError` where git itself failed.
    """
    return _compare(merger, (tree,))[0]


def _footprints(team: Sequence[Merger], trees: Sequence[str]) -> list[Footprint]:
    batches = [trees[start : start + _COMPARED_AT_ONCE] for start in range(0, len(trees), _COMPARED_AT_ONCE)]
    return list(itertools.chain.from_iterable(_share(team, _compare, batches)))


def _compare(merger: Merger, trees: Sequence[str]) -> list[Footprint]:
    """Return what each of several trees, all of them other than the base's, changes on the base."""
    heads = [f"{merger.base.tree} {tree}\n" for tree in trees]
    arguments = ("diff-tree", "--stdin", "-r", "-p", "-U0", "--histogram", "--no-renames", "--no-ext-diff")
    rest = merger.repository.git(*arguments, put="".join(heads).encode()).text
    found = list[Footprint]()
    for following in (*heads[1:], None):  # git prints each line that it read above its differences
        _, _, rest = rest.partition("\n")
        diff, head, rest = rest.partition(f"\n{following}") if following else (rest, "", "")
        found.append(Footprint.of(read_hunks(diff)))
        rest = head[1:] + rest
    return found


def _share(team: Sequence[Merger], work: Callable[[Merger, Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return the results of ``work`` on all items, in order; each merger of the team does one item at a time."""
    free = SimpleQueue[Merger]()
    for merger in team:
        free.put(merger)

    def run(item: Item) -> Result:
        merger = free.get()
        try:
            return work(merger, item)
        finally:
            free.put(merger)

    with ThreadPoolExecutor(len(team)) as pool:
        return list(pool.map(run, items))
