"""A server in front of a registry that can answer 500, to everything or to everything but the login."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class IllRegistry:
    """Passes on connections to the registry at ``port``, unless ``is_ill``: then it answers each request with 500.

    With ``knows_logins``, it passes on ``GET /v2/`` all the same, which is all that a login asks for. ``refused``
    counts the requests that got a 500.
    """

    def __init__(self, port: int) -> None:
        self.is_ill = self.knows_logins = False
        self.refused = 0
        self._registry = port
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"localhost:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()
        self._drop()

    def fall_ill(self, *, knows_logins: bool = False) -> None:
        """Answer 500 from now on, also to who is connected already."""
        self.is_ill, self.knows_logins = True, knows_logins
        self._drop()

    def recover(self) -> None:
        """Pass everything on again."""
        self.is_ill = False

    def _drop(self) -> None:
        dropped, self._open = self._open, []
        for each in dropped:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(near,), daemon=True).start()

    def _answer(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near:
            if not self.is_ill:
                self._pass_on(near, b"")
                return
            head = b""
            while b"\r\n\r\n" not in head and (received := near.recv(65536)):
                head += received
            if self.knows_logins and head.startswith(b"GET /v2/ "):
                # One request for each connection, so that the next one is looked at, too.
                self._pass_on(near, head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            elif head:
                self.refused += 1
                near.sendall(_ERROR)

    def _pass_on(self, near: socket.socket, head: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self._registry)) as far:
            self._open += [near, far]
            far.sendall(head)
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join()


def _copy(start: socket.socket, end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := start.recv(65536):
            end.sendall(received)
    for each in (start, end):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
