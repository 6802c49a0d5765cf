"""A Docker engine of its own beside the machine's, which is empty at first: what it holds at the end is the test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.conftest import refuse


@dataclass(frozen=True)
class SecondDaemon:
    """The engine's address, as ``DOCKER_HOST`` takes it, and a client of it."""

    address: str
    client: docker.DockerClient


@contextmanager
def second_daemon(folder: Path) -> Iterator[SecondDaemon]:
    """Start an engine that keeps everything in ``folder``; skip the test where this user cannot."""
    if os.getuid() != 0 or not (dockerd := shutil.which("dockerd")):
        refuse("a second engine needs root and dockerd")
        raise AssertionError
    bridge = f"integrand{os.getpid() % 10_000}"
    address = f"unix://{folder}/docker.sock"
    words = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid", f"--host={address}"]
    # A bridge of its own: an engine that is told to have none takes the first one's away.
    subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([dockerd, *words, f"--bridge={bridge}", "--iptables=false"], stdout=log, stderr=log)
    try:
        for _ in range(300):
            if (folder / "docker.sock").exists():
                break
            time.sleep(0.1)
        client = docker.DockerClient(base_url=address, timeout=120)
        assert client.images.list() == []
        yield SecondDaemon(address, client)
        client.close()
    finally:
        process.terminate()
        process.wait()
        subprocess.run(["ip", "link", "delete", bridge], check=True)
