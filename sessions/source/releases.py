"""Which tag is the newest release, and which milestone it works towards. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from sessions.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release: the tag as it is spelled, its version, and what git has there (full hex ids)."""

    tag: str
    version: Version
    commit: str = ""
    tree: str = ""


def newest_release(tags: Iterable[str], wanted: str = "latest") -> Release:
    """The newest of ``tags`` by version, or the ``wanted`` one.

    Neither dates nor first parents count: Sage's 9.5 came in as a second parent, and the tool that walked first
    parents stopped at 9.4. Tags with a local part (``10.5+integration-…``) are no releases: they are ours.

    Raises :class:`SourceError` where the tag does not exist, or no tag is a version.
    """
    known = {tag: version for tag in tags if (version := version_of(tag)) is not None}
    if wanted != "latest":
        if wanted not in known:
            near = ", ".join(sorted(known, key=known.__getitem__, reverse=True)[:5]) or "none at all"
            raise SourceError(f"There is no release tag {wanted!r}; the newest there are: {near}.")
        return Release(tag=wanted, version=known[wanted])
    if not known:
        raise SourceError("The repository has no tag that reads as a version: tag a release, or name one.")
    # Of two spellings of one version (10.5, sage-10.5) the plainer is taken, on every machine the same.
    tag = max(known, key=lambda tag: (known[tag], -len(tag), tag))
    return Release(tag=tag, version=known[tag])


def version_of(text: str) -> Version | None:
    """The version in a tag or a milestone: ``10.5.beta3``, ``v1.2``, ``sage-9.5``; ``None`` where there is none."""
    try:
        version = Version(re.sub(r"^[A-Za-z_]+[-_ ]?(?=\d)", "", text))
    except InvalidVersion:
        return None
    return None if version.local or version.is_devrelease else version


def current_milestone(release: Version, milestones: Iterable[str]) -> str | None:
    """The milestone that work on top of ``release`` is for, out of the tracker's own ``milestones``.

    ``9.5.rc4`` works towards 9.5, and 9.5 towards the nearest later one: guessing 9.8 → 9.9 was wrong when 10.0
    came, so only names that the tracker knows are answered. ``None`` where none fits.
    """
    later = [(version, name) for name in milestones if (version := version_of(name)) and _is_ahead(version, release)]
    exact = [name for version, name in later if release.is_prerelease and version.release == release.release]
    return min(exact) if exact else min(later)[1] if later else None


_MERGED = re.compile(
    r"(?:Trac #|gh-(?:pr-)?|#)(?P<prefixed>\d+): |Merge pull request #(?P<button>\d+) from |.*\(#(?P<squashed>\d+)\)$"
)


def merged_numbers(subjects: Iterable[str]) -> frozenset[int]:
    """The tickets that the subjects of a release's own commits name as merged.

    All these occur in Sage: ``Trac #34537: …``, ``gh-41439: …``, ``gh-pr-34986: …``, ``Merge pull request #35011
    from …``, ``… (#35109)``.
    """
    found = (_MERGED.match(subject) for subject in subjects)
    return frozenset(int(next(filter(None, match.groups()))) for match in found if match)


def _is_ahead(milestone: Version, release: Version) -> bool:
    return milestone > release and not milestone.is_prerelease
