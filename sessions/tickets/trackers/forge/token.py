"""A token from the environment, sent with each request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import requests
from requests.auth import AuthBase

from sessions.terminal.errors import TrackerAccessError


class TokenAuth(AuthBase):
    """A token, which no representation of this object shows; ``header`` is where it is sent."""

    def __init__(self, token: str, header: str = "Authorization", scheme: str = "Bearer ") -> None:
        self._token, self._header, self._scheme = token, header, scheme

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers[self._header] = self._scheme + self._token
        return request


def find_token(names: Iterable[str]) -> TokenAuth | None:
    """Return the token of the environment, ``None`` where there is none. Raises as :func:`read_token`."""
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
