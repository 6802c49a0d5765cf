"""Read a token from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sessions.settings.ticket_settings import Tracker
from sessions.terminal.errors import TrackerAccessError

if TYPE_CHECKING:
    from sessions.tickets.trackers.forge.token_auth import TokenAuth


def token_names(settings: Tracker, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the variables that may hold a tracker's token: the configured one, or else its ``usual`` ones."""
    return (settings.token,) if settings.token else usual


def find_token(names: Iterable[str]) -> TokenAuth | None:
    """Return the token of the environment, ``None`` where there is none. Raises as :func:`read_token`."""
    from sessions.tickets.trackers.forge.token_auth import TokenAuth

    token = read_token(names)
    return TokenAuth(token) if token else None


def read_token(names: Iterable[str]) -> str:
    """Return the token in the first of these environment variables that holds one; empty where none does.

    Raises :class:`TrackerAccessError` where its content cannot be a token.
    """
    for name in names:
        if token := os.environ.get(name, "").strip():
            if not re.fullmatch(r"[!-~]+", token):
                raise TrackerAccessError(f"{name} holds no token: there are characters in it that no token has.")
            return token
    return ""
