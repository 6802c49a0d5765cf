"""Resolutions as files of a commit that a ref of the project names, so that CI and people share them.

Each is a folder ``<kind>/<key>`` with ``about.json`` and its parts. A ref that was fetched from the project is merged
with the local one, resolution by resolution.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sessions.resolutions.model import Resolution, ResolutionKind, ResolutionPart, read_about, write_about
from sessions.source.mirror import Mirror
from sessions.source.repository import Repository

RESOLUTIONS = "refs/integrand/resolutions"
# What the project's own ref was when it was fetched.
PUBLISHED = "refs/integrand/published/resolutions"
_ABOUT = "about.json"
_NAME = re.compile(r"(?P<folder>[^/]+/[^/]+)/(?P<part>.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The resolutions that a repository holds, by name, and the commits that they were read from."""

    repository: Repository
    resolutions: Mapping[str, Resolution]
    parents: tuple[str, ...] = ()

    def keep(self, new: Iterable[Resolution], author: str, message: str, *, without: Iterable[str] = ()) -> Shelf:
        """Add resolutions, replace those of the same name, leave out the names ``without``, and commit that.

        ``author`` is a name with an address. Raises :class:`SourceError` if git cannot write the commit.
        """
        kept = {**self.resolutions, **{each.name: each for each in new}}
        for name in without:
            kept.pop(name, None)
        signature = f"{author} {int(time.time())} +0000".encode()
        stream = [b"commit %b\nauthor %b\ncommitter %b\n" % (RESOLUTIONS.encode(), signature, signature)]
        stream.append(_data(message.encode()))
        words = (b"from", b"merge")
        stream += [b"%b %b\n" % (words[place > 0], parent.encode()) for place, parent in enumerate(self.parents)]
        stream.append(b"deleteall\n")
        stream += [_file(path, part) for each in kept.values() for path, part in _files(each)]
        # With --force, as the ref may be behind the commit that was fetched.
        self.repository.git("fast-import", "--quiet", "--force", put=b"".join([*stream, b"done\n"]))
        tip = self.repository.git("rev-parse", "--verify", RESOLUTIONS).text
        return Shelf(repository=self.repository, resolutions=kept, parents=(tip,))


def open_shelf(mirror: Mirror) -> Shelf:
    """Fetch the project's resolutions, and read them together with those that were recorded here.

    Raises :class:`SourceError` if they cannot be fetched.
    """
    repository = mirror.repository
    if RESOLUTIONS in mirror.remote:
        mirror.fetch({PUBLISHED: RESOLUTIONS})
    reply = repository.git("for-each-ref", "--format=%(objectname)", RESOLUTIONS, PUBLISHED)
    tips = list(dict.fromkeys(reply.lines()))
    newest = [tip for tip in tips if not any(_contains(repository, other, tip) for other in tips if other != tip)]
    if len(newest) < 2:
        found = read_resolutions(repository, newest[0]) if newest else {}
        return Shelf(repository=repository, resolutions=found, parents=tuple(newest))
    base = repository.git("merge-base", *newest, ok=(0, 1)).text
    before = read_resolutions(repository, base) if base else {}
    one, other = (read_resolutions(repository, tip) for tip in newest)
    return Shelf(repository=repository, resolutions=_merged(before, one, other), parents=tuple(newest))


def read_resolutions(repository: Repository, commit: str) -> dict[str, Resolution]:
    """Read all resolutions of a commit, by name. What is damaged is passed over."""
    parts = dict[str, dict[str, ResolutionPart]]()
    rows = [row.split("\t", 1) for row in repository.git("ls-tree", "-r", "-z", "--full-tree", commit).fields()]
    contents = repository.read(about.split(" ")[2] for about, _ in rows)
    for about, path in rows:
        mode, _, blob = about.split(" ")
        name = _NAME.fullmatch(path)
        if name and blob in contents:
            parts.setdefault(name["folder"], {})[name["part"]] = ResolutionPart(content=contents[blob], mode=mode)
    found = (_read(name, each) for name, each in parts.items())
    return {each.name: each for each in found if each}


def _read(name: str, parts: dict[str, ResolutionPart]) -> Resolution | None:
    kind, _, key = name.partition("/")
    with suppress(ValueError, LookupError, TypeError, AttributeError, json.JSONDecodeError):
        about = read_about(parts.pop(_ABOUT).content)
        found = Resolution(kind=ResolutionKind(kind), key=key, about=about, parts=parts)
        return found if found.is_complete else None
    return None


def _merged(
    before: Mapping[str, Resolution], one: Mapping[str, Resolution], other: Mapping[str, Resolution]
) -> dict[str, Resolution]:
    """Merge two collections: what one of them removed or replaced is removed or replaced; the later date wins."""
    merged = dict[str, Resolution]()
    for name in {**one, **other}:
        mine, theirs, old = one.get(name), other.get(name), before.get(name)
        if mine and theirs:
            changed = [each for each in (mine, theirs) if each != old] or [mine]
            merged[name] = max(changed, key=lambda each: each.about.date)
        elif (left := mine or theirs) and left != old:
            merged[name] = left
    return merged


def _contains(repository: Repository, commit: str, other: str) -> bool:
    return not repository.git("merge-base", "--is-ancestor", other, commit, ok=(0, 1)).status


def _files(resolution: Resolution) -> Iterable[tuple[str, ResolutionPart]]:
    yield f"{resolution.name}/{_ABOUT}", ResolutionPart(content=write_about(resolution.about))
    for path, part in resolution.parts.items():
        yield f"{resolution.name}/{path}", part


def _file(path: str, part: ResolutionPart) -> bytes:
    """Return a file for `git fast-import`, see git-fast-import(1)."""
    name = path.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'M %b inline "%b"\n%b' % (part.mode.encode(), name, _data(part.content))


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
