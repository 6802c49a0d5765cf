"""Read the credentials for Trac, which come only from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from sessions.terminal.errors import TrackerError


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The credentials. ``endpoint`` is the path to call; ``login`` is a clause that names the variables."""

    user: str
    auth: AuthBase | None
    endpoint: str
    login: str

    @property
    def must_knock(self) -> bool:
        """Whether Trac demands a login before it reads a request's body."""
        return self.endpoint.startswith("/login")


def read_credentials(variable: str = "") -> Credentials:
    """Return the credentials of the environment: a token, a user with a password, or none.

    If a ``variable`` is configured, only the token in it counts.

    Raises :class:`TrackerError` if one of two variables is missing, or ``TRAC_AUTH`` is not valid.
    """
    user, password = os.environ.get("TRAC_USER", ""), os.environ.get("TRAC_PASSWORD", "")
    way = os.environ.get("TRAC_AUTH", "") or "basic"
    name = variable or "TRAC_TOKEN"
    if token := os.environ.get(name, ""):
        login = f"the token is that of {name}"
        return Credentials(user=user, auth=_Bearer(token), endpoint="/xmlrpc", login=login)
    if variable:
        login = f"nobody is logged in, as {name} is not set"
        return Credentials(user="", auth=None, endpoint="/xmlrpc", login=login)
    if user and password:
        login = f"the credentials are TRAC_USER and TRAC_PASSWORD, {way}"
        return Credentials(user=user, auth=_password(user, password, way), endpoint="/login/xmlrpc", login=login)
    if user or password:
        raise TrackerError("Credentials for Trac are TRAC_USER with TRAC_PASSWORD or TRAC_TOKEN: half of them is set.")
    login = "nobody is logged in, as TRAC_USER and TRAC_PASSWORD are not set"
    return Credentials(user="", auth=None, endpoint="/xmlrpc", login=login)


def _password(user: str, password: str, way: str) -> AuthBase:
    match way:
        case "basic":
            return HTTPBasicAuth(user.encode(), password.encode())
        case "digest":
            return HTTPDigestAuth(user, password)
        case _:
            raise TrackerError(f"TRAC_AUTH must be basic or digest, not {way!r}.")


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
