"""Whose commits a branch brings along. Pure.

Merging Sage's #36964 also landed the disputed #36951, on whose branch it was built, and nobody had noticed.
"""

from __future__ import annotations

from collections.abc import Mapping

Parents = Mapping[str, tuple[str, ...]]


def carried_tickets(heads: Mapping[int, frozenset[str]], parents: Parents) -> dict[int, frozenset[int]]:
    """For every ticket, those others whose branch is wholly inside its own.

    ``heads`` are the commits at which each ticket was seen (reviewed, and where its branch is now): a branch
    carries a ticket that it contains at any of them. ``parents`` tells the parents of all commits that are new
    since the release. Of two tickets with the same commit, the later number carries the earlier.
    """
    owner: dict[str, list[int]] = {}
    for number, commits in heads.items():
        for commit in commits & parents.keys():
            owner.setdefault(commit, []).append(number)
    return {number: _carried(number, commits, owner, parents) for number, commits in heads.items()}


def _carried(number: int, own: frozenset[str], owner: Mapping[str, list[int]], parents: Parents) -> frozenset[int]:
    seen: set[str] = set()
    found: set[int] = set()
    open_ = list(own & parents.keys())
    while open_:
        commit = open_.pop()
        if commit in seen:
            continue
        seen.add(commit)
        found.update(other for other in owner.get(commit, ()) if other < number or commit not in own)
        open_.extend(parent for parent in parents[commit] if parent in parents)
    return frozenset(found - {number})
