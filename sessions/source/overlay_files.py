"""A file in which a candidate differs from the release, as data: what makes them is git's, what takes them is not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OverlayFile:
    """One file to put in, or to take away where ``content`` is ``None``. ``mode`` is git's, such as 0o100644.

    Mode 0o160000, of a submodule, stands for an empty folder.
    """

    path: str
    mode: int = 0
    content: bytes | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is an empty folder to put in."""
        return self.mode == 0o160000 and self.content is not None


Overlay = tuple[OverlayFile, ...]
