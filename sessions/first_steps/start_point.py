"""From where the day should start: the newest release, or the branch at which the open requests start."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import Release
from sessions.source.start import BRANCH, find_start
from sessions.source.tags import glob_of, rank_tags
from sessions.source.trunk import TargetBranch
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket

_MOST = 200  # as many requests tell enough


@dataclass(frozen=True, kw_only=True)
class StartPoint:
    """`[project] release` as it is proposed, and ``why``; ``newest`` is where a day from `latest` would start."""

    wanted: str
    why: str
    newest: Release


def release_pattern(mirror: Mirror, name: str) -> str:
    """Return the glob of the tags that are releases, where other tags look like releases, too; empty elsewhere."""
    with suppress(SourceError):  # several kinds, of which nothing can be said without being asked
        ranking = rank_tags(mirror.refs.tags, "", name)
        if ranking.others:
            return glob_of(ranking.releases[0])
    return ""


def newest_start(mirror: Mirror, pattern: str, name: str) -> StartPoint:
    """Return the newest release, or the default branch of a project that has no release yet.

    Raises :class:`SourceError` where there is neither.
    """
    is_tagged = bool(pattern) or _has_versions(mirror, name)
    if is_tagged or not mirror.refs.default_branch:
        why = "`latest` is the newest tag by version"
        return StartPoint(wanted="latest", why=why, newest=find_start(mirror, "latest", pattern, name))
    wanted = f"{BRANCH}{mirror.refs.default_branch}"
    why = "No tag reads as a version, so the day starts from the tip of a branch"
    return StartPoint(wanted=wanted, why=why, newest=find_start(mirror, wanted, pattern, name))


def propose_start(mirror: Mirror, newest: StartPoint, tickets: Sequence[Ticket]) -> StartPoint:
    """Return the branch that most of the open ``tickets`` start at, where that is ahead of the newest release."""
    release, name = newest.newest, mirror.refs.default_branch
    if release.branch or not name:
        return newest
    some = [ticket for ticket in tickets if ticket.branch and ticket.target in ("", name)][-_MOST:]
    tips = mirror.fetch_tickets({ticket.number: ticket.branch for ticket in some})
    tip = mirror.target(name)
    branch = TargetBranch.of(name, tip, ReleaseHistory(mirror.repository, release).graph({tip, *tips.values()}))
    own = frozenset(tips.values())
    ahead = sum(branch.newest_carried(each, own) is not None for each in tips.values() if each not in branch.brought)
    if not ahead or 2 * ahead < len(tips):
        return newest
    why = (
        f"{ahead} of {len(tips)} open requests start at {name}, which is {len(branch.brought)} commits ahead of "
        f"{release.tag}: so the day starts from its tip. `latest` would start from the newest tag by version"
    )
    return StartPoint(wanted=f"{BRANCH}{name}", why=why, newest=release)


def _has_versions(mirror: Mirror, name: str) -> bool:
    try:
        return bool(rank_tags(mirror.refs.tags, "", name).releases)
    except SourceError:
        return True  # of several kinds
