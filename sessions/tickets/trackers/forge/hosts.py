"""The parts of the address of a clone's origin. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ORIGIN = re.compile(
    r"(?:(?P<scheme>https?|ssh|git)://)?(?:[^@/]+@)?(?P<host>[\w.-]+)(?::(?P<port>\d+)(?=/))?[:/](?P<path>.+?)(?:\.git)?/?"
)


@dataclass(frozen=True, kw_only=True)
class OriginParts:
    """A host and a path on it, without slashes at its ends; ``base`` is the web address of the server."""

    host: str
    path: str
    base: str


def split_origin(origin: str) -> OriginParts | None:
    """Return the parts of an address of git over HTTP or SSH, or ``None`` where it is a path.

    The port of an address over HTTP is kept, as the web is there; that of SSH is not.
    """
    found = _ORIGIN.fullmatch(origin)
    if not found or (not found["scheme"] and not re.match(r"[^/]*:", origin)):
        return None
    port = f":{found['port']}" if found["port"] and (found["scheme"] or "").startswith("http") else ""
    scheme = "http" if found["scheme"] == "http" else "https"
    return OriginParts(host=found["host"], path=found["path"].strip("/"), base=f"{scheme}://{found['host']}{port}")


def origin_of(parts: OriginParts) -> str:
    """The web address of a repository."""
    return f"{parts.base}/{parts.path}"
