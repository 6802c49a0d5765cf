"""Calls to a forge's REST interface for one repository, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import requests

from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.refusals import Change, TicketPart
from sessions.tickets.trackers.http import Caller, without_credentials

BY_HAND = ": tell its author by hand, the report has the text."
_MOST_READINGS = 3
_NO_REASON = "it does not say why"


@dataclass(frozen=True, kw_only=True)
class RestClient:
    """The repository ``name`` of the ``forge`` that is named in sentences, at ``base``.

    ``tokens`` says where the token comes from ("GH_TOKEN or GITHUB_TOKEN"), ``owner`` is where its owner is told.
    ``total`` is the response header that has the length of a whole list.
    """

    forge: str
    name: str
    base: str
    caller: Caller
    tokens: str
    total: str = ""
    owner: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, **params: Any) -> Any:
        """Return what is at ``path`` below the repository's address, or at an address of its own.

        Raises :class:`RefusedError` where there is nothing to be seen, :class:`TrackerAccessError` where the token is
        not accepted, :class:`TrackerError` where the forge refuses otherwise.
        """
        return self.caller.json(self._get(path, params))

    def find(self, path: str, **params: Any) -> Any | None:
        """Return what :meth:`get` returns; ``None`` where there is nothing to be seen."""
        try:
            return self.get(path, **params)
        except RefusedError:
            return None

    @cached_property
    def viewer(self) -> int:
        """The id of the token's owner: of comments, only those by this user are ours.

        Raises :class:`TrackerAccessError` where the forge does not tell it.
        """
        try:
            viewer: int = self.get(self.owner)["id"]
        except RefusedError as error:
            raise TrackerAccessError(f"{error} It must be allowed to read its owner.") from None
        return viewer

    def pages(self, path: str, **params: Any) -> list[Any]:
        """Return a whole list, which is read again where it changes in the meantime.

        Pages are counted from the beginning, so that one that is closed moves the others between pages. Raises as
        :meth:`get`.
        """
        for _ in range(_MOST_READINGS):
            found = self._pages(path, params)
            if found is not None:
                return found
        raise TrackerError(f"{self.forge}'s list of {self.name} changes while it is read: run again.")

    def find_pages(self, path: str, **params: Any) -> list[Any]:
        """Return what :meth:`pages` returns; nothing where there is nothing to be seen."""
        try:
            return self.pages(path, **params)
        except RefusedError:
            return []

    def write(
        self, change: Change, method: str, path: str, *, but: tuple[int, ...] = (), locked: bool = False, **kw: Any
    ) -> Any:
        """Make a change of a pull request, and return the answer; ``None`` where it has no content.

        A status in ``but`` counts as done. ``locked`` tells that the conversation is locked.

        Raises :class:`RefusedError` where the forge refuses the change, :class:`TrackerAccessError` where it refuses
        the token.
        """
        response = self.caller.write(method, f"{self.base}/{path}", headers=dict(self.headers), **kw)
        status = response.status_code
        if status == 204 and status in but:
            return None
        if response.ok or status in but:
            return self.caller.json(response)  # no JSON: not the forge's answer, a proxy heard the change
        message = f"{self.forge} refuses the {change.part} of #{change.number} in {self.name} (HTTP {status}, "
        message += f"{reason_in(response)})"
        if status == 401:
            raise TrackerAccessError(message + self._hint(status))
        if locked and status == 403:
            remedy = ": unlock its conversation, or let the token's owner be a collaborator."
            raise RefusedError(message + remedy)
        may_be_setup = status in (403, 404) or change.part is TicketPart.LABEL
        raise RefusedError(message + (self._hint(status) or BY_HAND), may_be_setup=may_be_setup)

    def _pages(self, path: str, params: Mapping[str, Any]) -> list[Any] | None:
        """Return a list as its pages are; ``None`` where its length differs between them."""
        found: list[Any] = []
        lengths = set[str]()
        page, before = 1, None
        while True:
            response = self._get(path, {**params, "page": page})
            rows = self.caller.json(response)
            if not isinstance(rows, list):
                raise TypeError(path)
            if rows and rows == before:  # a proxy in between drops the query
                raise TrackerError(
                    f"{self.forge} gives the same page of {self.name}'s list for every number: run again."
                )
            lengths.add(response.headers.get(self.total, ""))
            found += rows
            if len(lengths) > 1:
                return None
            length = next(iter(lengths))
            if not rows or (length.isdecimal() and len(found) >= int(length)):
                return found if not length.isdecimal() or len(found) == int(length) else None
            page, before = page + 1, rows

    def _get(self, path: str, params: Mapping[str, Any]) -> requests.Response:
        url = path if "://" in path else f"{self.base}/{path}".rstrip("/")
        response = self.caller.read("GET", url, params=dict(params), headers=dict(self.headers))
        if response.ok:
            return response
        status = response.status_code
        message = f"{self.forge} refuses to show {self.name} (HTTP {status}, {reason_in(response)})"
        if status == 401:
            raise TrackerAccessError(message + self._hint(status))
        if status in (403, 404, 410):
            raise RefusedError(message + self._hint(status), may_be_setup=True)
        raise TrackerError(message + ".")

    def _hint(self, status: int) -> str:
        return f": does the token in {self.tokens} allow it?" if status in (401, 403, 404) else ""


@contextmanager
def expected_shape(forge: str) -> Iterator[None]:
    """Raise :class:`TrackerError` where an answer has another shape than the forge's description promises."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError):
        raise TrackerError(
            f"{forge} answered in a form that it should not: nothing of it was taken, run again."
        ) from None


def reason_in(response: requests.Response) -> str:
    """The reason that a forge gives for its refusal, as one harmless line."""
    try:
        return reason_of(json.loads(without_credentials(response.text, response)))
    except (ValueError, RecursionError):
        return _NO_REASON


def reason_of(answer: Any) -> str:
    """The reason in an answer: the first of its ``errors`` that has a message, its ``message``, or its ``error``."""
    answer = answer if isinstance(answer, dict) else {}
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else answer
    message = first.get("message") if isinstance(first, dict) else None
    return harmless_line(str(message or answer.get("message") or answer.get("error") or _NO_REASON))[:200]
