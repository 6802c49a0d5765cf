"""A wire to a server that can be cut: for good after so many bytes, as when the server stops in the middle, or once."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Proxy:
    """Passes on what is said to ``port`` from a port of its own, until more than ``ends_after`` bytes were sent."""

    def __init__(self, port: int, ends_after: int | None = None) -> None:
        self.ends_after = ends_after
        self._server = port
        self._sent = 0
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()
        self.drop()  # so that no thread keeps a socket open

    def drop(self) -> int:
        """Cut all that goes on, how much that is, and let others begin."""
        cut, self._open = self._open, []
        for each in cut:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(cut)

    @property
    def busy(self) -> bool:
        """Whether somebody is connected since."""
        return bool(self._open)

    def _cut(self) -> bool:
        return self.ends_after is not None and self._sent > self.ends_after

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            if self._cut():
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            for start, end in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(start, end, start is near), daemon=True).start()

    def _pass(self, start: socket.socket, end: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while (words := start.recv(65536)) and not self._cut():
                self._sent += len(words) if counts else 0
                end.sendall(words)
        for each in (start, end):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
