"""Merge all open tickets in pairs onto one base, and find who conflicts with whom, and where."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from sessions.auditing.patches import read_hunks
from sessions.planning.footprints import Footprint, headings, pairs_to_merge
from sessions.source.conflicts import Clash, ConflictPlace
from sessions.source.merge_tree import MergeTree
from sessions.source.merging import Candidate, Merger
from sessions.tickets.model import Ticket


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
    alone = {ticket.number: merger.merge(merger.base, ticket) for ticket in tickets}
    unfit = {number: merged.places for number, merged in alone.items() if isinstance(merged, Clash)}
    fit = {n: each for n, each in alone.items() if isinstance(each, Candidate) and each.tree != merger.base.tree}
    footprints = {number: footprint_of(merger, candidate.tree) for number, candidate in fit.items()}
    with closing(MergeTree(merger.repository)) as git:
        by_lines = not git.trees.mentions(merger.base.tree, b"merge")
    pairs = pairs_to_merge(footprints, by_lines=by_lines)
    by_number = {ticket.number: ticket for ticket in tickets}
    conflicts = dict[tuple[int, int], tuple[Meeting, ...]]()
    for first, second in _conflicting(merger, pairs, fit):
        # The same merge as in a day's line: that one is told.
        merged = merger.merge(fit[first], by_number[second])
        if isinstance(merged, Clash):
            conflicts[first, second] = tuple(
                Meeting(place=place, sections=headings(place.path, footprints[first], footprints[second]))
                for place in merged.places
            )
    return PairConflicts(conflicts=conflicts, unfit=unfit, fit=tuple(fit), merged=len(pairs))


def footprint_of(merger: Merger, tree: str) -> Footprint:
    """Return what a tree changes on the base.

    Raises :class:`SourceError` where git itself failed.
    """
    arguments = ("diff-tree", "-r", "-p", "-U0", "--histogram", "--no-renames", "--no-ext-diff")
    return Footprint.of(read_hunks(merger.repository.git(*arguments, merger.base.tree, tree).text))


def _conflicting(
    merger: Merger, pairs: Sequence[tuple[int, int]], alone: Mapping[int, Candidate]
) -> list[tuple[int, int]]:
    """Return the pairs that conflict; they are merged by as many git processes as there are cores."""
    workers = min(os.cpu_count() or 1, 8)

    def share(start: int) -> list[tuple[int, int]]:
        with closing(MergeTree(merger.repository)) as git:
            return [
                (first, second)
                for first, second in pairs[start::workers]
                if not git.merge(alone[first].commit, alone[second].commit, alone[first].tree).clean
            ]

    with ThreadPoolExecutor(workers) as pool:
        return sorted(pair for found in pool.map(share, range(workers)) for pair in found)
