"""Calls to Gerrit's REST interface, and what its answers mean.

Described in https://gerrit-review.googlesource.com/Documentation/rest-api.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests

from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.refusals import Change
from sessions.tickets.trackers.http import Caller, without_credentials

_BY_HAND = ": tell its author by hand, the report has the text."
_LOGIN = ": are GERRIT_USER and GERRIT_PASSWORD (the HTTP password of its settings) right?"
# What every answer in JSON begins with, so that no page can load it as a script.
_PREFIX = ")]}'"
_HEADERS = {"Accept": "application/json", "User-Agent": "integrand"}


@dataclass(frozen=True)
class GerritClient:
    """A server, called with the credentials of ``caller``. ``base`` is its address, with ``/a`` where it has some."""

    base: str
    caller: Caller
    is_logged_in: bool

    def get(self, path: str, **params: Any) -> Any:
        """Return what the server answers.

        Raises :class:`RefusedError` where there is nothing at ``path``, :class:`TrackerAccessError` where it accepts
        no credentials, :class:`TrackerError` where it fails otherwise.
        """
        response = self.caller.read("GET", f"{self.base}/{path}", params=params, headers=_HEADERS)
        if response.status_code == 200:
            return _content(response)
        message = f"Gerrit refuses to show {path} (HTTP {response.status_code}, {_reason(response)})"
        if response.status_code == 404:
            raise RefusedError(message + _BY_HAND)
        if response.status_code in (401, 403):
            raise TrackerAccessError(message + _LOGIN)
        raise TrackerError(f"{message}.")

    @cached_property
    def own_account(self) -> int:
        """The number of our account.

        Raises :class:`TrackerAccessError` where nobody is logged in.
        """
        if not self.is_logged_in:
            raise TrackerAccessError("Gerrit takes reviews only from users: set GERRIT_USER and GERRIT_PASSWORD.")
        with documented_answers():
            return int(self.get("accounts/self")["_account_id"])

    def post(self, change: Change, path: str, content: dict[str, Any]) -> None:
        """Change something. Raises :class:`RefusedError` where Gerrit refuses, and else as :meth:`get`."""
        response = self.caller.write("POST", f"{self.base}/{path}", json=content, headers=_HEADERS)
        if response.ok:
            _content(response)
            return
        status = response.status_code
        message = f"Gerrit refuses the {change.part} of #{change.number} (HTTP {status}, {_reason(response)})"
        if status == 401:
            raise TrackerAccessError(message + _LOGIN)
        # 400 is the answer to a label that the project does not have, or a value that it does not allow.
        raise RefusedError(message + (_LOGIN if status == 403 else _BY_HAND), may_be_setup=status in (400, 403))


@contextmanager
def documented_answers() -> Iterator[None]:
    """Raise :class:`TrackerError` where an answer has another shape than Gerrit's documentation says."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise TrackerError(
            "Gerrit answered in a form that it should not: nothing of it was taken, run again."
        ) from None


def _content(response: requests.Response) -> Any:
    text = response.content.decode("utf-8", "replace")
    try:
        return json.loads(text.removeprefix(_PREFIX))
    except ValueError:
        raise TrackerError(
            f"Gerrit answered with something that is not JSON (HTTP {response.status_code}): what is known is kept, "
            "run again later."
        ) from None


def _reason(response: requests.Response) -> str:
    """The reason that Gerrit gives, which is plain text, as one harmless line."""
    text = response.content.decode("utf-8", "replace")
    is_page = "<html" in text[:1000].lower()
    reason = harmless_line("" if is_page else without_credentials(text.strip(), response)[:200])
    return reason or "it does not say why"
