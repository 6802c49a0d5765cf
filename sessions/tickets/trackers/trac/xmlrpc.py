"""XML-RPC over :mod:`requests`: written by the standard library, read by defusedxml."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers.expat import ExpatError

import requests
from defusedxml import DefusedXmlException
from defusedxml.xmlrpc import DefusedExpatParser

from sessions.terminal.errors import RefusedError, TrackerAccessError, TrackerError
from sessions.terminal.harmless_text import harmless
from sessions.tickets.trackers.http import Caller

MAX_REPLY = 64 * 2**20
_FORBIDDEN = 403  # the fault of Trac's plugin where the user lacks a permission (tracrpc/xml_rpc.py)
# A compressed reply could be a thousand times as large as what comes over the wire.
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "Accept-Encoding": "identity"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What the standard library's unmarshaller raises on replies that are XML, but not XML-RPC.
_STRANGE = (xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


@dataclass(kw_only=True)
class XmlRpc:
    """An XML-RPC server at ``url``. ``login`` says where its credentials come from, or that there are none.

    With ``must_knock``, a request without a body comes before the first call. Trac's own server closes the connection
    if it gets a body before the login, so that its refusal or its digest challenge is lost.
    """

    caller: Caller
    url: str
    login: str
    must_knock: bool = False

    def ask(self, method: str, *params: object) -> Any:
        """Call a method that changes nothing. Raises :class:`RefusedError` for a fault."""
        self._knock()
        body = _request(method, params)
        return self._result(method, self.caller.read("POST", self.url, data=body, headers=_HEADERS))

    def tell(self, method: str, *params: object) -> Any:
        """Call a method that changes something. Raises :class:`RefusedError` for a fault."""
        self._knock()
        body = _request(method, params)
        return self._result(method, self.caller.write("POST", self.url, data=body, headers=_HEADERS))

    def ask_each(self, method: str, items: Sequence[object]) -> list[Any]:
        """Call a method once for each item, all in one request. A fault for one of them is raised for all."""
        calls = [{"methodName": method, "params": [item]} for item in items]
        replies = self.ask("system.multicall", calls)
        if not isinstance(replies, list) or len(replies) != len(items):
            raise self.nonsense(f"{method} for {len(items)} items")
        return [self._member(method, reply) for reply in replies]

    def nonsense(self, what: str) -> TrackerError:
        """Return the error for a reply that is XML-RPC, but not an answer to the call."""
        return TrackerError(f"{self.caller.who} does not answer {what} as Trac does: nothing was taken from it.")

    def _member(self, method: str, reply: object) -> Any:
        match reply:
            case [result]:
                return result
            # A fault by the convention, or the fields of an exception, which Trac's plugin sends instead.
            case {"faultString": words} | {"_message": words} | {"message": words}:
                raise self._refusal(method, words)
            case _:
                raise self.nonsense(method)

    def _knock(self) -> None:
        if self.must_knock:
            self._check_access(self.caller.read("GET", self.url))
            self.must_knock = False

    def _check_access(self, response: requests.Response) -> None:
        if response.status_code in (401, 403):
            raise TrackerAccessError(f"{self.caller.who} refuses access (HTTP {response.status_code}): {self.login}.")

    def _result(self, method: str, response: requests.Response) -> Any:
        self._check_access(response)
        if response.status_code != 200:
            raise self._stranger(f"HTTP {response.status_code}")
        if len(response.content) > MAX_REPLY:
            raise self._stranger(f"more than {MAX_REPLY // 2**20} MB")
        try:
            return _unmarshal(response.content)
        except xmlrpc.client.Fault as fault:
            raise self._refusal(method, fault.faultString, is_forbidden=fault.faultCode == _FORBIDDEN) from None
        except DefusedXmlException:
            raise self._stranger("XML that defines entities, which XML-RPC never does") from None
        except _STRANGE:
            raise self._stranger("something that is not XML-RPC, or was cut off") from None

    def _refusal(self, method: str, message: object, *, is_forbidden: bool = False) -> RefusedError:
        said = " ".join(harmless(str(message)).split())[:300].rstrip(".")
        text = f"{self.caller.who} refuses {method} ({self.login}): {said}."
        return RefusedError(text, may_be_setup=is_forbidden)

    def _stranger(self, answer: str) -> TrackerError:
        return TrackerError(
            f"{self.caller.who} answered with {answer}: check that [tickets] url is a Trac with the XML-RPC plugin, "
            "then run again."
        )


def _request(method: str, params: tuple[object, ...]) -> bytes:
    text = xmlrpc.client.dumps(params, method)  # type: ignore[arg-type]  # typeshed lacks nested lists and dicts
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text).encode()


def _unmarshal(body: bytes) -> Any:
    """Return the value of a reply. Raises :class:`xmlrpc.client.Fault`, or many other errors if it is not valid."""
    target = xmlrpc.client.Unmarshaller(use_builtin_types=True)
    parser = DefusedExpatParser(target, forbid_dtd=True)
    parser.feed(body)
    parser.close()
    [value] = target.close()
    return value
