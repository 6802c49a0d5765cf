"""The subject of a patch: ``[PATCH net-next v3 2/7] net: count more``. Pure.

https://docs.kernel.org/process/submitting-patches.html#the-canonical-patch-format describes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKETS = re.compile(r"\s*\[([^\[\]]*)\]")
_PLACE = re.compile(r"(\d{1,4})/(\d{1,4})")
# Mercurial's way to write a place: https://wiki.mercurial-scm.org/ContributingChanges
_IN_WORDS = re.compile(r"(\d{1,4})\s+of\s+(\d{1,4})", re.IGNORECASE)
_VERSION = re.compile(r"v(\d{1,3})", re.IGNORECASE)
_SIGN = re.compile(r"patch|rfc|rfc-?patch", re.IGNORECASE)
_PULL = re.compile(r"pull|pull-?req(uest)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class PatchSubject:
    """What a subject says: ``place`` 0 of ``count`` is a cover letter; ``tags`` are words such as ``net-next``.

    ``has_version`` is whether it says which version it is of.
    """

    title: str
    version: int = 1
    place: int = 1
    count: int = 1
    tags: tuple[str, ...] = ()
    has_version: bool = False


def read_patch_subject(subject: str) -> PatchSubject | None:
    """Read a subject; ``None`` where it is not a patch's, as that of an answer ("Re: …").

    The word PATCH may be missing where there is a place, as Patchwork writes: ``[net,v2,1/2]``. What is pulled is none.
    """
    words, at = list[str](), 0
    while found := _BRACKETS.match(subject, at):
        words += re.split(r"[\s,]+", _IN_WORDS.sub(r"\1/\2", found[1].strip()))
        at = found.end()
    title = " ".join(subject[at:].split())
    is_patch = any(_SIGN.fullmatch(word) or _PLACE.fullmatch(word) for word in words)
    if not title or not is_patch or any(_PULL.fullmatch(word) for word in words):
        return None
    versions = [int(found[1]) for word in words if (found := _VERSION.fullmatch(word))]
    places = [(int(found[1]), int(found[2])) for word in words if (found := _PLACE.fullmatch(word))]
    tags = [word for word in words if word and not (_VERSION.fullmatch(word) or _PLACE.fullmatch(word))]
    place, count = places[0] if places else (1, 1)
    if place > count or not count:
        return None
    return PatchSubject(
        title=title,
        version=versions[0] if versions else 1,
        place=place,
        count=count,
        has_version=bool(versions),
        tags=tuple(dict.fromkeys("RFC" if tag.upper() == "RFC" else tag for tag in tags if tag.upper() != "PATCH")),
    )
