"""Send a token with each request."""

from __future__ import annotations

import requests
from requests.auth import AuthBase


class TokenAuth(AuthBase):
    """A token, which no representation of this object shows; ``header`` is where it is sent."""

    def __init__(self, token: str, header: str = "Authorization", scheme: str = "Bearer ") -> None:
        self._token, self._header, self._scheme = token, header, scheme

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers[self._header] = self._scheme + self._token
        return request
