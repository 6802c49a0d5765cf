"""A Docker daemon that answers and runs nothing is no reason for a failed test at a desk."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

from tests.conftest import container_trouble

WHY = "runc: operation not permitted"


class CrippledDaemon(BaseHTTPRequestHandler):
    """Docker's API where no container starts."""

    def do_GET(self) -> None:
        self._answer(200, {"ApiVersion": "1.44", "Id": "1"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_start = self.path.endswith("/start")
        self._answer(500 if is_start else 201, {"message": WHY} if is_start else {"Id": "1", "Warnings": []})

    def do_DELETE(self) -> None:
        self._answer(204, None)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _answer(self, status: int, content: dict[str, Any] | None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def crippled() -> Iterator[docker.DockerClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), CrippledDaemon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = docker.DockerClient(base_url=f"tcp://127.0.0.1:{server.server_port}", timeout=10)
        yield client
        client.close()
        server.shutdown()
        thread.join()


def test_why_no_container_starts_is_told(crippled: docker.DockerClient) -> None:
    assert WHY in container_trouble(crippled)


@pytest.mark.docker
def test_a_daemon_that_runs_containers_has_no_trouble(daemon: docker.DockerClient) -> None:
    assert container_trouble(daemon) == ""
