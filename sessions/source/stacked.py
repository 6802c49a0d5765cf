"""Find tickets whose branches contain the commits of other tickets. Pure.

In Sage, #36964 was built on the branch of the disputed #36951; merging it also merged #36951, and nobody noticed.
"""

from __future__ import annotations

from collections.abc import Mapping

Parents = Mapping[str, tuple[str, ...]]


def carried_tickets(heads: Mapping[int, frozenset[str]], parents: Parents) -> dict[int, frozenset[int]]:
    """Return, for every ticket, the other tickets that its branch contains ("carries").

    ``heads`` are the known commits of each ticket (the reviewed one, and the current tip of its branch): a branch
    carries a ticket if it contains any of them. ``parents`` has the parents of all commits since the release. Of two
    tickets with the same commit, the higher number carries the lower.
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
