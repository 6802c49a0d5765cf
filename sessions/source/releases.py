"""Find the newest release among the tags, and the milestone that work on it is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from sessions.source.tags import rank_tags, version_of
from sessions.terminal.errors import SourceError
from sessions.tickets.merge_subjects import MergeSubjects

__all__ = [
    "Naming",
    "Release",
    "current_milestone",
    "namings_in",
    "newest_release",
    "releases_in_order",
    "version_of",
]


@dataclass(frozen=True, kw_only=True)
class Release:
    """The commit that the day starts from.

    ``tag`` is the tag's name; for a branch, what `git describe` calls its tip (``3.1.0-12-g1a2b3c4d5e``). ``version``
    is the version in the tag's name, ``None`` if there is none. ``commit`` and ``tree`` are full hex ids. ``branch``
    is the branch that the day starts from, or empty. ``aside`` is a clause about tags that were not used.
    """

    tag: str
    version: Version | None
    commit: str = ""
    tree: str = ""
    branch: str = ""
    aside: str = ""


def newest_release(tags: Iterable[str], requested: str = "latest", pattern: str = "", name: str = "") -> Release:
    """Return the newest of ``tags`` by version, or the one ``requested``, which may be any tag.

    Neither dates nor first parents count: Sage's 9.5 was merged as a second parent, and a tool that walked first
    parents stopped at 9.4. :func:`rank_tags` decides which tags are releases.

    Raises :class:`SourceError` if the tag does not exist, or no tag is a version.
    """
    return next(releases_in_order(list(tags), requested, pattern, name))


def releases_in_order(tags: Sequence[str], requested: str, pattern: str, name: str) -> Iterator[Release]:
    """Yield the releases of ``tags``, newest first, or only the ``requested`` tag. Raises as :func:`newest_release`."""
    if requested != "latest":
        if requested not in tags:
            raise SourceError(
                f"There is no tag {requested!r}; the newest releases there are: {_nearest(tags, pattern)}."
            )
        yield Release(tag=requested, version=version_of(requested))
        return
    ranking = rank_tags(tags, pattern, name)
    if not ranking.releases:
        fits = f"that fits [project] tags = {pattern!r} and reads" if pattern else "that reads"
        raise SourceError(
            f"The repository has no tag {fits} as a version: tag a release, name one with --release, or start from a "
            'branch, as [project] release = "branch:main".'
        )
    for each in ranking.releases:
        yield Release(tag=each.tag, version=each.version, aside=str(ranking))


def _nearest(tags: Iterable[str], pattern: str) -> str:
    try:
        return ", ".join(each.tag for each in rank_tags(tags, pattern).releases[:5]) or "none at all"
    except SourceError:
        return "of several kinds"


def current_milestone(release: Version | None, milestones: Iterable[str]) -> str | None:
    """Return which of the tracker's ``milestones`` work on top of ``release`` is for.

    After ``9.5.rc4`` that is 9.5, and after 9.5 the next higher milestone. Only milestones of the tracker count: a
    guess (9.8 → 9.9) was wrong when 10.0 came. ``None`` if none fits, or the release has no version.
    """
    if release is None:
        return None
    later = [(version, name) for name in milestones if (version := version_of(name)) and _is_ahead(version, release)]
    exact = [name for version, name in later if release.is_prerelease and version.release == release.release]
    return min(exact) if exact else min(later)[1] if later else None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """A first-parent commit of a release whose message says that it merges a ticket. Only a hint: it may be wrong."""

    commit: str
    subject: str

    def __str__(self) -> str:
        """Return a phrase such as ``1a2b3c4d5e (Trac #9: Fix it)``."""
        return f"{self.commit[:10]} ({self.subject[:100]})"


def namings_in(commits: Iterable[Sequence[str]], subjects: MergeSubjects) -> dict[int, Naming]:
    """Return, for each ticket, the first commit whose message says that it merges it.

    ``commits`` are pairs of id and message, newest first.
    """
    found: dict[int, Naming] = {}
    for commit, message in commits:
        if number := subjects.number(message):
            found.setdefault(number, Naming(commit=commit, subject=message.split("\n", 1)[0]))
    return found


def _is_ahead(milestone: Version, release: Version) -> bool:
    return milestone > release and not milestone.is_prerelease
