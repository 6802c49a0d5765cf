"""A server on a socket for the fakes of forges, with the faults that happen on the way to a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

FaultKind = Literal["500", "429", "429 with Retry-After", "limited", "cut", "hung up", "slow", "not JSON"]
FAULTS: tuple[FaultKind, ...] = ("500", "429", "429 with Retry-After", "limited", "cut", "hung up", "slow", "not JSON")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one request, and whether the forge ``heard`` it, so that what it asks for is done."""

    kind: FaultKind
    heard: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. Its ``content`` is sent as JSON, or not at all with status 204."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[str, str, Any, Mapping[str, str]], tuple[Reply, Fault | None]]
"""Gets method, path with query, the body (parsed), and headers, their names in lower case."""


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """Serve what ``answer`` returns, at the address that is yielded."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that gave up waiting has closed its end: that is the point."""

    class Bound(_Handler):
        ask = staticmethod(answer)
        released = threading.Event()

    with running(Server(("127.0.0.1", 0), Bound)) as url:
        try:
            yield url
        finally:
            Bound.released.set()


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server in a thread, and yield its address."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two cost 40 ms of waiting for an acknowledgement
    ask: Answer
    released: threading.Event

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        reply, fault = self.ask(
            self.command, self.path, body, {key.lower(): value for key, value in self.headers.items()}
        )
        text = b"" if reply.status == 204 else json.dumps(reply.content).encode()
        match fault.kind if fault else None:
            case None:
                self._send(reply.status, text, reply.headers)
            case "500":
                self._send(500, b"<html>Unicorn!</html>")
            case "429":
                self._send(429, b"{}")
            case "429 with Retry-After":
                self._send(429, b"{}", {"Retry-After": "7"})
            case "limited":
                self._send(403, b'{"message": "You have exceeded a secondary rate limit."}', {"Retry-After": "60"})
            case "cut":
                self._send(reply.status, text, {**reply.headers, "Content-Length": str(len(text) + 100)})
                self.close_connection = True
            case "hung up":
                self.close_connection = True
            case "slow":
                self.released.wait(5)
                self.close_connection = True
            case "not JSON":
                self._send(200, b"<html>Please log in to the hotel's network.</html>")

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  http.server's words

    def _send(self, status: int, text: bytes, more: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        standard = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        for name, value in {**standard, **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """The tests look at what was requested."""
