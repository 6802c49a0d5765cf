"""Propose where a day starts: at the newest release, or at the branch that the open requests are based on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sessions.first_steps.readable_refs import fetch_readable
from sessions.source.mirror import Mirror
from sessions.source.release_history import ReleaseHistory
from sessions.source.releases import Release
from sessions.source.start import BRANCH, find_start
from sessions.source.tags import glob_of, rank_tags
from sessions.source.trunk import TargetBranch
from sessions.terminal.errors import SourceError
from sessions.terminal.phrases import counted
from sessions.tickets.model import Ticket

_MOST = 200  # requests to look at


NEWEST_TAG = "`latest` is the newest tag by version"
"""Why a day starts from there, where nothing speaks for a branch."""


@dataclass(frozen=True, kw_only=True)
class StartPoint:
    """The proposed value of `[project] release`, and ``why``. ``newest`` is what `latest` would mean today."""

    wanted: str
    why: str
    newest: Release


def release_pattern(mirror: Mirror, name: str) -> str:
    """Return the glob of the release tags, if other tags look like releases, too; empty otherwise."""
    with suppress(SourceError):  # raised for several kinds of tags: the user must choose
        ranking = rank_tags(mirror.refs.tags, "", name)
        if ranking.others:
            return glob_of(ranking.releases[0])
    return ""


def newest_start(mirror: Mirror, pattern: str, name: str, typed: str | None = None) -> StartPoint:
    """Return the newest release, or the default branch of a project that has no release yet.

    A release that was ``typed`` is used as it is.

    Raises :class:`SourceError` if there is neither.
    """
    if typed and typed not in ("latest", "-"):
        return StartPoint(wanted=typed, why="As you said", newest=find_start(mirror, typed, pattern, name))
    why_not = "" if pattern else _why_no_latest(mirror, name)
    if not why_not or not mirror.refs.default_branch:
        return StartPoint(wanted="latest", why=NEWEST_TAG, newest=find_start(mirror, "latest", pattern, name))
    branch = f"{BRANCH}{mirror.refs.default_branch}"
    why = f"{why_not}, so the day starts from the tip of a branch"
    return StartPoint(wanted=branch, why=why, newest=find_start(mirror, branch, pattern, name))


def propose_start(mirror: Mirror, newest: StartPoint, tickets: Sequence[Ticket]) -> StartPoint:
    """Return the branch that most open ``tickets`` are based on, if it is ahead of the newest release."""
    release, name = newest.newest, mirror.refs.default_branch
    if release.branch or not name:
        return newest
    some = [ticket for ticket in tickets if ticket.branch and ticket.target in ("", name)][-_MOST:]
    tips = fetch_readable(mirror, {ticket.number: ticket.branch for ticket in some}).tips
    try:
        tip = mirror.target(name)
    except SourceError:  # a day cannot start from a branch that cannot be fetched
        return newest
    branch = TargetBranch.of(name, tip, ReleaseHistory(mirror.repository, release).graph({tip, *tips.values()}))
    own = frozenset(tips.values())
    ahead = sum(branch.newest_carried(each, own) is not None for each in tips.values() if each not in branch.brought)
    if not ahead or 2 * ahead < len(tips):
        return newest
    starts = "starts" if ahead == 1 else "start"
    why = (
        f"{ahead} of {counted(len(tips), 'open request')} {starts} at {name}, which is "
        f"{counted(len(branch.brought), 'commit')} ahead of "
        f"{release.tag}: so the day starts from its tip. `latest` would start from the newest tag by version"
    )
    return StartPoint(wanted=f"{BRANCH}{name}", why=why, newest=release)


def target_of(mirror: Mirror) -> str:
    """Return `*` (tickets for any branch) if the default branch cannot be fetched, or else nothing: the default."""
    with suppress(SourceError):
        if mirror.refs.default_branch:
            mirror.target(mirror.refs.default_branch)
        return ""
    return "*"


def _why_no_latest(mirror: Mirror, name: str) -> str:
    """Return a clause on why the tags do not show the newest release; empty if they do."""
    try:
        return "" if rank_tags(mirror.refs.tags, "", name).releases else "No tag reads as a version"
    except SourceError as error:
        return str(error).partition(": say which")[0]  # with the kinds, as in a monorepo
