"""A real registry that demands a login even to read: Debian's `docker-registry` with its stock configuration."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import bcrypt
from docker.errors import DockerException
from docker.utils import parse_repository_tag

if TYPE_CHECKING:
    import docker

STOCK = Path("/etc/docker/registry/config.yml")


def missing() -> str:
    """Why there can be no registry here; empty if there can."""
    return "" if shutil.which("docker-registry") and STOCK.is_file() else "Debian's docker-registry is not installed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LocalRegistry:
    """A registry of its own on a port of its own; what it holds stays when it is stopped and started again."""

    folder: Path
    user: str = "ci"
    password: str = "s3cr3t-of-the-registry"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    is_open: bool = False  # it demands no login

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def auth(self) -> dict[str, str]:
        """What docker-py takes as `auth_config`."""
        return {"username": self.user, "password": self.password}

    def start(self) -> None:
        secret = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
        (self.folder / "htpasswd").write_text(f"{self.user}:{secret}\n")
        settings = {
            "REGISTRY_HTTP_ADDR": f"127.0.0.1:{self.port}",
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(self.folder / "store"),
            **({} if self.is_open else {"REGISTRY_AUTH_HTPASSWD_PATH": str(self.folder / "htpasswd")}),
        }
        config = self._open_config() if self.is_open else STOCK
        with (self.folder / "registry.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(config)], env={**os.environ, **settings}, stdout=log, stderr=log
            )
        for _ in range(200):
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "registry.log").read_text())

    def _open_config(self) -> Path:
        """A configuration without a login: of two kinds of login, the registry takes either one or none, by chance."""
        config = self.folder / "open.yml"
        config.write_text("version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: store\nhttp:\n  addr: 127.0.0.1\n")
        return config

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def put(self, client: docker.DockerClient, image: str, name: str) -> str:
        """Have the registry hold an image that is here, and nothing else be changed; return its digest."""
        repository, tag = parse_repository_tag(name)
        client.images.get(image).tag(repository, tag)
        for event in client.api.push(repository, tag, stream=True, decode=True, auth_config=self.auth):
            if "error" in event:
                raise DockerException(event["error"])
        client.images.remove(name)
        digest: str = client.images.get_registry_data(name, auth_config=self.auth).id
        return digest

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/v2/"):
                return True
        except HTTPError as answer:
            answer.close()
            return answer.code == 401
        except (URLError, ConnectionError):
            return False
