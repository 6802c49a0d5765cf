"""What keeps git from starting, as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions.terminal.errors import SourceError


@contextmanager
def starting_git() -> Iterator[None]:
    """Start git within. Raises :class:`SourceError` where it is not installed, or the system cannot start it."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and error.filename == "git":
            raise SourceError("git is not installed: install 2.38 or newer.") from None
        what = f" in {error.filename}" if error.filename else ""
        raise SourceError(f"git cannot be started{what}: {error.strerror or error}.") from None
