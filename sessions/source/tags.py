"""Read versions in the names of tags, and separate a project's releases from its other tags. Pure.

Tags are spelled in many ways: ``v1.2``, ``REL_15_3`` (PostgreSQL), ``curl-7_88_1``, ``pkg@1.2.3`` and ``core/v1.3.0``
(several packages in one repository), ``3.1.0.Final`` (JBoss), ``jdk-17.0.2+8``. The part before the version is the
tag's family. Separators and words of the version are translated to https://peps.python.org/pep-0440/, which orders
versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from packaging.version import InvalidVersion, Version

from sessions.terminal.errors import SourceError

# A number that does not continue another number or a version.
_START = re.compile(r"(?<!\d)(?<!\d[._+])\d")
# A family: no version, no plus (our own branches have one), no number before a space, and at least one letter.
_FAMILY = re.compile(r"(?!.*\d[._]\d)(?!.*\+)(?!\S*\d\S*\s)(|.*[A-Za-z].*)", re.DOTALL)
_DATE = re.compile(r"(?P<family>|.*[^\d])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")
_STAMP = re.compile(r"\d{6,}")
_STAMPED = re.compile(r"(^|[-_/.])(nightly|weekly|daily|snapshots?|canary|edge|ci|build)([-_/.]|$)", re.IGNORECASE)
# Java's words for final, candidate, milestone and service pack, as pep 440 spells them.
_WORDS = (
    (re.compile(r"(?<=\d)_(?=[0-9A-Za-z])"), "."),
    (re.compile(r"[.-](final|ga|release)$", re.IGNORECASE), ""),
    (re.compile(r"[.-]?cr(\d+)$", re.IGNORECASE), r"rc\1"),
    (re.compile(r"[.-]m(\d+)$", re.IGNORECASE), r"a\1"),
    (re.compile(r"[.-]sp(\d+)$", re.IGNORECASE), r".post\1"),
)
_PLAIN = r"((v|ver|version|r|rel|releases?|tags?)?[-_./]?v?|{name}[-_/@.]?v?[-_.]?)"
_TOLD = 3


@dataclass(frozen=True, kw_only=True)
class VersionTag:
    """A tag with a version in its name. ``family`` is the part before it (``v``, ``core/v``).

    ``is_stamp``: the tag is named after a day or a build rather than after a version.
    """

    tag: str
    family: str
    version: Version
    is_stamp: bool = False


@dataclass(frozen=True, kw_only=True)
class TagRanking:
    """The release tags, and the tags that look like releases but are not used as such, both newest first."""

    releases: tuple[VersionTag, ...]
    others: tuple[VersionTag, ...] = ()

    def __str__(self) -> str:
        """Return a clause such as ``not taken as releases: chart-9.0.1 (of 12 such tags)``, or nothing."""
        families: dict[str, list[VersionTag]] = {}
        for each in self.others:
            families.setdefault(each.family, []).append(each)
        examples = [
            found[0].tag + (f" (of {len(found)} such tags)" if len(found) > 1 else "")
            for found in list(families.values())[:_TOLD]
        ]
        more = f" and {len(families) - _TOLD} more kinds" if len(families) > _TOLD else ""
        return f"not taken as releases: {', '.join(examples)}{more} ([project] tags says which are)" if examples else ""


def version_of(text: str) -> Version | None:
    """Return the version in a tag or a milestone: ``10.5.beta3``, ``v1.2``, ``sage-9.5``; ``None`` without one."""
    found = read_tag(text)
    return found.version if found else None


def read_tag(tag: str) -> VersionTag | None:
    """Return the version in a tag's name and the part before it; ``None`` if there is no version.

    Development releases are not releases, nor are tags with text after a plus (``10.5+integration-…``): those are ours.
    """
    if (date := _DATE.fullmatch(tag)) and _FAMILY.fullmatch(date["family"]):
        day = Version(".".join(date.group("year", "month", "day")))
        return VersionTag(tag=tag, family=date["family"], version=day, is_stamp=True)
    for start in _START.finditer(tag):
        family, text = tag[: start.start()], tag[start.start() :]
        version = _parse(text)
        if version is None or not _FAMILY.fullmatch(family):
            continue
        if version.is_devrelease or (version.local and not re.fullmatch(r"[\d.]+", version.local)):
            return None
        stamp = _STAMP.fullmatch(text) or _STAMPED.search(family)
        return VersionTag(tag=tag, family=family, version=version, is_stamp=bool(stamp))
    return None


def rank_tags(tags: Iterable[str], pattern: str = "", name: str = "") -> TagRanking:
    """Find the releases among ``tags``, newest first by version.

    With a ``pattern`` (a glob, or a regular expression with a group ``version``), the matching tags are the releases.
    Without one, plain tags are (``1.2``, ``v1.2``, ``release-1.2``, ``NAME-1.2``), or, if there are none, the only
    other family of tags. Tags named after days and builds count only if there are no others.

    Raises :class:`SourceError` if several families are left, none of which is plainer than the others.
    """
    if pattern:
        return TagRanking(releases=_newest_first(_candidates_before(list(_fitting(tags, pattern)))))
    found = _newest_first(_candidates_before([each for each in map(read_tag, tags) if each]))
    is_plain = re.compile(_PLAIN.format(name=re.escape(name) if name else "(?!)"), re.IGNORECASE).fullmatch
    chosen = [each for each in found if is_plain(each.family) and not each.is_stamp]
    if not chosen:
        # Plain dates may be the releases of a project; nightly builds count only if there are no other tags.
        chosen = _only_family([each for each in found if not each.is_stamp or is_plain(each.family)] or found)
    return TagRanking(
        releases=tuple(chosen),
        others=tuple(each for each in found if each not in chosen),
    )


def glob_of(tag: VersionTag) -> str:
    """Return the glob that matches a release's tag and others of its family: ``v*``."""
    return f"{tag.family}*" if tag.family else "[0-9]*.*"


def _only_family(pool: Sequence[VersionTag]) -> list[VersionTag]:
    # A version with a single number may be the number of a ticket or of a build.
    dotted = {each.family for each in pool if len(each.version.release) > 1 or each.is_stamp}
    families = dotted or {each.family for each in pool}
    if len(families) > 1:
        newest = {each.family: each for each in reversed(pool) if each.family in families}
        names = sorted(each.tag for each in newest.values())
        example = glob_of(read_tag(names[0]) or pool[0])
        raise SourceError(
            f"Several kinds of tags look like releases ({', '.join(names[:5])}{', …' * (len(names) > 5)}): say which "
            f'are, as [project] tags = "{example}", or name one with --release.'
        )
    return [each for each in pool if each.family in families]


def _fitting(tags: Iterable[str], pattern: str) -> Iterable[VersionTag]:
    """Return the tags that match a pattern and have a version."""
    expression = re.compile(pattern) if "(?P<version>" in pattern else None
    for tag in tags:
        if expression is None:
            found = read_tag(tag) if fnmatchcase(tag, pattern) else None
        elif match := expression.fullmatch(tag):
            version = _parse(match["version"] or "")
            family = tag[: match.start("version")]
            found = VersionTag(tag=tag, family=family, version=version) if version else None
        else:
            found = None
        if found:
            yield found


def _candidates_before(found: Sequence[VersionTag]) -> Iterable[VersionTag]:
    """Read ``2.0.0-0`` as a candidate where ``2.0.0`` exists, too.

    https://semver.org puts it before that version, and so does `npm version prerelease`, which counts from 0. For
    https://peps.python.org/pep-0440 it comes after it. Without a plain version, as in ImageMagick, it is a release.
    """
    plain = {(each.family, each.version) for each in found}
    for each in found:
        before = Version(each.version.base_version)
        first = Version(f"{before}.post0")
        if each.version.is_postrelease and {(each.family, before), (each.family, first)} <= plain:
            yield replace(each, version=Version(f"{before}a{each.version.post}"))
        else:
            yield each


def _newest_first(found: Iterable[VersionTag]) -> tuple[VersionTag, ...]:
    # Of two spellings of one version (10.5, sage-10.5), the plainer comes first, so that the order is fixed.
    return tuple(sorted(found, key=lambda each: (each.version, -len(each.tag), each.tag), reverse=True))


def _parse(text: str) -> Version | None:
    for word, spelled in _WORDS:
        text = word.sub(spelled, text)
    try:
        return Version(text)
    except InvalidVersion:
        return None
