"""Remarks about a clean merge: merge drivers that git does not have, and changes to submodules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sessions.source.tree_reader import Found

_NAMED = 3


def driver_remarks(drivers: dict[str, str]) -> list[str]:
    """Return a clause for each merge driver that only a user's configuration defines. ``drivers`` is by path. Pure."""
    return [
        f"how it merges is uncertain in {_some([path for path, name in drivers.items() if name == driver])}, which "
        f"`.gitattributes` wants merged by the driver {driver!r} of a user's configuration: git merged line by line"
        for driver in sorted(set(drivers.values()))
    ]


def submodule_remarks(before: Iterable[Found], after: Iterable[Found], *, checked_out: bool) -> list[str]:
    """Return a clause about the submodules that a merge adds, moves and removes. Pure."""
    old, new = ({each.path: each.id for each in side} for side in (before, after))
    changed = {
        "adds": [path for path in new if path not in old],
        "moves": [path for path in new if path in old and new[path] != old[path]],
        "removes": [path for path in old if path not in new],
    }
    clauses = [f"it {verb} the submodule {_some(paths)}" for verb, paths in changed.items() if paths]
    if clauses and not checked_out and changed["adds"] + changed["moves"]:
        clauses[-1] += ", an empty folder here: `[project] submodules` is off"
    return clauses


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join(paths[:_NAMED]) + (f" and {more} more" if more > 0 else "")
