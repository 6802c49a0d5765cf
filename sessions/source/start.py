"""Find the commit that a day starts from: a tag, or the tip of a branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.source.tags import rank_tags, version_of
from sessions.terminal.errors import SourceError

BRANCH = "branch:"
_START = "refs/integrand/start"
# As git does: https://git-scm.com/docs/git-describe#_search_strategy
_CANDIDATES = 10
_ABBREVIATED = 10


def find_start(mirror: Mirror, requested: str, pattern: str = "", name: str = "") -> Release:
    """Fetch and return the release ``requested``: ``latest``, a tag, or ``branch:NAME``.

    ``pattern`` is `[project] tags`, and ``name`` the project's name.

    Raises :class:`SourceError` if there is none.
    """
    if not requested.startswith(BRANCH):
        return _described(mirror, requested) or mirror.release(requested, pattern, name)
    branch = requested.removeprefix(BRANCH)
    ref = mirror.refs.head_ref(branch)
    if ref is None:
        raise SourceError(
            f"The repository has no branch {branch!r}: name one that it has as [project] release, or with --release."
        )
    mirror.fetch({_START: ref})
    described, tag = describe(mirror, mirror.remote[ref], _release_tags(mirror, pattern, name))
    found = Release(tag=described or _without_tag(branch, mirror.remote[ref]), version=version_of(tag), branch=branch)
    return mirror.at(mirror.remote[ref], found)


def _described(mirror: Mirror, name: str) -> Release | None:
    """Return the commit that an earlier day started from, by its name in that day's record; ``None`` if it is missing.

    git reads the commit from the end of such a name: https://git-scm.com/docs/gitrevisions
    """
    found = re.fullmatch(r"(?P<tag>.+?)(-\d+)?-g(?P<commit>[0-9a-f]{10,})", name)
    if not found or name in mirror.refs.tags:
        return None
    arguments = ("rev-parse", "--verify", "--quiet", f"{found['commit']}^{{commit}}")
    reply = mirror.repository.git(*arguments, ok=(0, 1, 128), may_complain=True)
    return None if reply.status else mirror.at(reply.text, Release(tag=name, version=version_of(found["tag"])))


def release_at(mirror: Mirror, tag: str, commit: str) -> Release:
    """Return the release with a record's tag and commit, and fetch it if needed.

    Raises :class:`SourceError` if the repository does not have it any more.
    """
    if not mirror.present([commit]):
        return find_start(mirror, tag)
    return mirror.at(commit, Release(tag=tag, version=version_of(tag)))


def source_in(mirror: Mirror, revision: str, release: Release) -> Release:
    """Return the commit whose files an image has, by its ``revision`` label: the release, or an earlier commit.

    An image named after a branch has what CI built last, which may be behind the branch's tip
    (https://github.com/opencontainers/image-spec/blob/main/annotations.md). A probe replaces the files that differ from
    the returned commit. A revision that the repository does not have was inherited from another project's base image.
    """
    is_commit = re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", revision) and mirror.present([revision])
    if release.commit == revision or not is_commit:
        unsure = release.branch and release.commit != revision
        aside = f"the image does not say of which commit it is: that of {release.tag} is assumed" if unsure else ""
        return replace(release, aside=aside)
    found = mirror.at(revision, release)
    behind = mirror.repository.git("rev-list", "--count", f"{revision}..{release.commit}").text
    return replace(found, aside=f"the image is of {revision[:10]}, {behind} commits before {release.tag}")


def describe(mirror: Mirror, commit: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """Return what `git describe --tags` calls a commit (``3.1.0-12-g1a2b3c4d5e``), and the tag; empty without a tag.

    ``tags`` are the release tags, newest first, with their commits. As in git, the first ten tags of the history are
    compared, and the one that lacks the fewest of its commits is used. `git describe` itself would not do: a mirror
    has only the tags that were fetched.
    """
    tagged = dict[str, str]()
    for tag, at in tags.items():
        tagged.setdefault(at, tag)
    history = mirror.repository.git("rev-list", commit).text.split()
    near = [each for each in history if each in tagged][:_CANDIDATES]
    if not near:
        return "", ""
    count = {each: int(mirror.repository.git("rev-list", "--count", commit, f"^{each}").text) for each in near}
    nearest = min(near, key=count.__getitem__)
    tag = tagged[nearest]
    return (f"{tag}-{count[nearest]}-g{commit[:_ABBREVIATED]}" if count[nearest] else tag), tag


def _release_tags(mirror: Mirror, pattern: str, name: str) -> dict[str, str]:
    tags = mirror.refs.tags
    with suppress(SourceError):  # raised for several kinds of tags, any of which can describe a commit
        return {each.tag: tags[each.tag] for each in rank_tags(tags, pattern, name).releases}
    return tags


def _without_tag(branch: str, commit: str) -> str:
    return f"{branch}-g{commit[:_ABBREVIATED]}"
