"""A file in which a candidate differs from the release, as plain data: engines apply it without git."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OverlayFile:
    """A file to write, or to delete if ``content`` is ``None``. ``mode`` is git's, such as 0o100644.

    Mode 0o160000 (a submodule) means an empty folder.
    """

    path: str
    mode: int = 0
    content: bytes | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this is an empty folder to create."""
        return self.mode == 0o160000 and self.content is not None


Overlay = tuple[OverlayFile, ...]
