"""The parts of addresses: that of a tracker, and that of a clone's origin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sessions.terminal.errors import TrackerError

_ORIGIN = re.compile(
    r"(?:(?P<scheme>https?|ssh|git)://)?(?:[^@/]+@)?(?P<host>[\w.-]+)(?::(?P<port>\d+)(?=/))?[:/](?P<path>.+?)(?:\.git)?/?"
)


def split_address(url: str, forge: str, example: str) -> SplitResult:
    """Return the parts of an address of a tracker.

    Raises :class:`TrackerError` where it is none, and where a token would travel in the clear.
    """
    parts = urlsplit(url.rstrip("/"))
    host = parts.hostname or ""
    if not host or parts.username or parts.scheme not in {"http", "https"}:
        raise wrong_address(forge, example)
    if parts.scheme == "http" and host not in {"127.0.0.1", "::1", "localhost"}:
        raise TrackerError(f"[tickets] url: a token would travel to {host} in the clear; write https.")
    return parts


def wrong_address(forge: str, example: str) -> TrackerError:
    """The error for an address that names no repository."""
    return TrackerError(f"[tickets] url names no repository on {forge}: write {example}.")


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
