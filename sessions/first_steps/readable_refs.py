"""Fetch the refs and submodules that can be fetched: a bad one of a damaged or partial clone must not stop `init`."""

from __future__ import annotations

from collections.abc import Mapping

from sessions.source.fetching import Fetched
from sessions.source.mirror import Mirror
from sessions.source.submodules import fetch_submodules, submodules_of
from sessions.terminal.errors import ContentError, SourceError

_MOST_FAILURES = 20  # each costs a call of git; more would add nothing


def submodules_fault(mirror: Mirror, tree: str) -> str | None:
    """Fetch the submodules of a tree; return why that failed, an empty text if it did not, and None without any."""
    repository = mirror.repository
    if not submodules_of(repository, tree, repository.origin):
        return None
    try:
        fetch_submodules(repository, tree, repository.origin)
    except (ContentError, SourceError) as error:
        return str(error).splitlines()[0].removesuffix(" Run again.").rstrip(".")
    return ""


def fetch_readable(mirror: Mirror, refs: Mapping[int, str]) -> Fetched:
    """Fetch ``refs`` by number, and return why others could not be fetched.

    If git refuses a whole group, as for a partial clone, the group is split in halves again and again. After some
    failures, the rest is left out for the last reason.
    """
    tips: dict[int, str] = {}
    faults: dict[int, str] = {}
    groups, failures = [dict(refs)] if refs else [], 0
    while groups:
        group = groups.pop()
        try:
            fetched = mirror.fetch_branches(group)
        except SourceError as error:
            if len(group) > 1 and failures < _MOST_FAILURES:
                items = list(group.items())
                half = len(items) // 2
                groups += [dict(items[half:]), dict(items[:half])]
                continue
            failures += 1
            faults |= dict.fromkeys(group, str(error).splitlines()[0].rstrip("."))
        else:
            tips |= fetched.tips
            faults |= fetched.faults
    return Fetched(tips=tips, faults=faults)
