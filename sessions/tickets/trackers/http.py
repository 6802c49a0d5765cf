"""HTTP calls to trackers: retries if they are safe, pauses between writes, and no secrets in messages.

A call returns a response or raises :class:`TrackerError`. Messages do not quote those of libraries, which can contain
an address with its password, or a header with its token.
"""

from __future__ import annotations

import logging
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from requests.hooks import default_hooks

from sessions.terminal.durations import say_duration
from sessions.terminal.errors import TrackerBusyError, TrackerError

TIMEOUT = 60.0
CREDENTIALS = ("Authorization", "JOB-TOKEN")
"""Headers in which credentials are sent."""
_LONGEST_WAIT = 60.0
_A_YEAR = 365 * 86400.0
_log = logging.getLogger(__name__)


class NoAuth(AuthBase):
    """Sends no credentials. Without any auth object, requests would read ``~/.netrc``."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request unchanged."""
        return request


@dataclass(frozen=True, kw_only=True)
class _Trouble:
    """A failed call. ``nothing_done``: the server changed nothing for certain. ``wait``: the pause that it requests.

    ``is_unreached``: there was no connection, so that it is not the server that refused.
    """

    why: str
    nothing_done: bool
    wait: float | None = None
    is_unreached: bool = False


class Caller:
    """Calls one tracker, which messages name ``who``.

    A call is repeated for at most ``patience`` seconds; two writes are at least ``pause`` seconds apart. ``now`` and
    ``sleep`` are the clock, so that tests need not wait.
    """

    def __init__(
        self,
        who: str,
        auth: AuthBase | None,
        patience: float = 300.0,
        pause: float = 0.0,
        *,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.who, self.patience, self.pause, self.timeout = who, patience, pause, timeout
        self._now, self._sleep = now, sleep
        self._session = _Session()
        self._session.auth = auth or NoAuth()
        self._last_write: float | None = None
        self._seen: dict[str, requests.Response] = {}

    def read(self, method: str, url: str, **kw: Any) -> requests.Response:
        """Make a call that changes nothing, and repeat it if needed; a GET is conditional if possible.

        Takes the arguments of :meth:`requests.Session.request`. The response can have any status with which a repeated
        call would not help: check it.

        Raises :class:`TrackerError` if the server refuses for too long, or cannot be reached.
        """
        if method != "GET":
            return self._call(method, url, repeatable=True, **kw)
        place = f"{url} {kw.get('params')}"
        known = self._seen.get(place)
        headers = dict(kw.pop("headers", None) or {})
        if known is not None:
            headers["If-None-Match"] = known.headers["ETag"]
        response = self._call(method, url, repeatable=True, headers=headers, **kw)
        if response.status_code == 304 and known is not None:
            return known
        if response.status_code == 200 and "ETag" in response.headers:
            self._seen[place] = response
        return response

    def write(self, method: str, url: str, **kw: Any) -> requests.Response:
        """Make a call that changes something; otherwise like :meth:`read`.

        It is repeated only if the server says that it did nothing, or if the method is idempotent (PATCH, PUT, DELETE).
        If the connection breaks in any other call, :class:`TrackerError` is raised: the change may have been made.
        """
        if self._last_write is not None:
            self._rest(self._last_write + self.pause - self._now())
        try:
            response = self._call(method, url, repeatable=method in {"PATCH", "PUT", "DELETE"}, **kw)
        finally:
            self._last_write = self._now()
        if response.request.method != method:  # after a redirect, a POST is repeated as GET
            raise TrackerError(f"{self.who} has moved: a change was not heard; configure its new address as url.")
        return response

    def json(self, response: requests.Response) -> Any:
        """Return the content of a response. Raises :class:`TrackerError` if it is not JSON, or nested too deeply."""
        try:
            return response.json()
        except (ValueError, RecursionError):
            message = f"{self.who} answered with something that is not JSON (HTTP {response.status_code})"
            raise TrackerError(f"{message}: what is known is kept, run again later.") from None

    def _call(self, method: str, url: str, *, repeatable: bool, **kw: Any) -> requests.Response:
        began, delay = self._now(), 1.0
        while True:
            outcome = self._try(method, url, **kw)
            if isinstance(outcome, requests.Response):
                return outcome
            if not (repeatable or outcome.nothing_done):
                raise TrackerError(
                    f"{self.who} may or may not have heard a change ({outcome.why}): it was not sent twice, "
                    "run again to see and go on."
                )
            wait = max(delay, outcome.wait or 0.0)
            passed = self._now() - began
            if passed + wait > self.patience:
                raise TrackerBusyError(self._given_up(passed, wait, outcome))
            _log.warning("%s: %s; trying again in %s.", self.who, outcome.why, say_duration(wait))
            self._rest(wait)
            delay = min(2 * delay, _LONGEST_WAIT)

    def _given_up(self, passed: float, wait: float, outcome: _Trouble) -> str:
        more = f", and asks for {say_duration(wait)} more" if outcome.wait is not None else ""
        lasting = f" for {say_duration(passed)}" if passed >= 1 else ""
        if outcome.is_unreached:
            return (
                f"{self.who} could not be reached{lasting} ({outcome.why}): check the network and the tracker's url, "
                "then type the same command again; what is known is kept."
            )
        return f"{self.who} refused{lasting} ({outcome.why}{more}): what is known is kept, run again later."

    def _try(self, method: str, url: str, **kw: Any) -> requests.Response | _Trouble:
        kw.setdefault("timeout", self.timeout)
        try:
            response = self._session.request(method, url, **kw)
        except requests.exceptions.SSLError:
            raise TrackerError(f"{self.who} at {_host(url)} has no certificate that is accepted here.") from None
        except requests.exceptions.ConnectionError as error:
            never_sent = _never_sent(error)
            return _Trouble(why=_cut(error, self.timeout), nothing_done=never_sent, is_unreached=never_sent)
        except requests.Timeout:
            return _Trouble(why=f"no answer within {say_duration(self.timeout)}", nothing_done=False)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            return _Trouble(why="its answer was cut off", nothing_done=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise TrackerError(f"{self.who} at {_host(url)} cannot be called ({type(error).__name__}).") from None
        return _trouble(response) or response

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)


class _Session(requests.Session):
    """A session whose redirects to another host carry no credentials, neither ours nor those of ``~/.netrc``."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            for name in CREDENTIALS:
                prepared_request.headers.pop(name, None)
            prepared_request.hooks = default_hooks()  # digest's hook would answer the other host's challenge


def without_credentials(text: str, response: requests.Response) -> str:
    """Return the text of an answer with ``***`` for what was sent to identify us: a server may repeat it."""
    for name in CREDENTIALS:
        sent = response.request.headers.get(name, "")
        scheme, _, value = sent.rpartition(" ")
        secrets = [value]
        if scheme.lower() == "basic":
            with suppress(ValueError):
                secrets.append(b64decode(value).decode("utf-8", "replace").partition(":")[2])
        for secret in filter(None, secrets):
            text = text.replace(secret, "***")
    return text


def _trouble(response: requests.Response) -> _Trouble | None:
    """Return the trouble that a response reports, if repeating the call may help; ``None`` otherwise."""
    status = response.status_code
    if status == 429 or _is_limited(response):
        why = f"HTTP {status}: too many requests" if status != 200 else "too many requests"
        return _Trouble(why=why, nothing_done=True, wait=_asked_wait(response))
    if status >= 500:
        return _Trouble(why=f"HTTP {status}", nothing_done=False, wait=_asked_wait(response))
    return None


def _is_limited(response: requests.Response) -> bool:
    """Whether GitHub limits our rate: its status is 403, for GraphQL sometimes 200, for a comment 422."""
    headers = response.headers
    if response.status_code == 422:
        return "submitted too quickly" in response.text[:1000]
    if response.status_code == 403:
        spent = headers.get("x-ratelimit-remaining") == "0"
        return "Retry-After" in headers or spent or "secondary rate limit" in response.text[:1000]
    return response.status_code == 200 and "Retry-After" in headers


def _asked_wait(response: requests.Response) -> float | None:
    """Return the seconds that the server asks us to wait; ``None`` if it does not say."""
    retry_after = response.headers.get("Retry-After", "")
    reset = response.headers.get("x-ratelimit-reset", "")
    if retry_after.strip().isdecimal():
        return min(float(retry_after), _A_YEAR)
    try:
        when = parsedate_to_datetime(retry_after)
        wait = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _servers_time(response)).total_seconds()
    except (ValueError, OverflowError):
        if response.headers.get("x-ratelimit-remaining") != "0" or not reset.isdecimal():
            return None
        wait = float(reset) - _servers_time(response).timestamp()
    return min(max(1.0, wait), _A_YEAR)


def _servers_time(response: requests.Response) -> datetime:
    """Return the time of the answer by the server's clock, by which it gives the end of a wait; ours may differ."""
    try:
        when = parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, OverflowError):
        return datetime.now(UTC)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _never_sent(error: requests.exceptions.ConnectionError) -> bool:
    """Whether no connection was made, so that the server received nothing."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _cut(error: requests.exceptions.ConnectionError, timeout: float) -> str:
    if isinstance(error, requests.Timeout):
        return f"no connection within {say_duration(timeout)}"
    if not _never_sent(error):
        return "the connection was cut"
    cause = getattr(error.args[0], "reason", None)
    unresolved = isinstance(cause, urllib3.exceptions.NameResolutionError)
    return "no address is known for its name" if unresolved else "it cannot be reached"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "its address"
    except ValueError:
        return "its address"
