"""Translate errors at the start of git into SourceError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions.terminal.errors import SourceError


@contextmanager
def starting_git() -> Iterator[None]:
    """Wrap the start of git. Raises :class:`SourceError` if it is not installed, or the system cannot start it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and error.filename == "git":
            raise SourceError("git is not installed: install 2.38 or newer.") from None
        what = f" in {error.filename}" if error.filename else ""
        raise SourceError(f"git cannot be started{what}: {error.strerror or error}.") from None
