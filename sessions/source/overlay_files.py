"""A file in which a candidate differs from the release, as data: what makes them is git's, what takes them is not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OverlayFile:
    """One file to put in, or to take away where ``content`` is ``None``. ``mode`` is git's, such as 0o100644."""

    path: str
    mode: int = 0
    content: bytes | None = None


Overlay = tuple[OverlayFile, ...]
