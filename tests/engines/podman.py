"""Podman's Docker-compatible service, with a storage of its own."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException


def lacking() -> str:
    """Why there can be no such service here; empty if there can."""
    if not shutil.which("podman"):
        return "podman is not installed"
    return "podman's service is tried as root only" if os.geteuid() else ""


@contextmanager
def podman_service(image: bytes) -> Iterator[tuple[str, docker.DockerClient]]:
    """The address of a service that holds one image, given as `docker save` gives it, and a client of it."""
    place = Path(tempfile.mkdtemp(prefix="podman-"))  # podman takes no --runroot of more than 50 characters
    (place / "containers.conf").write_text(_own_limits())
    own = ("--root", place / "root", "--runroot", place / "run", "--tmpdir", place / "tmp")
    address = f"unix://{place}/socket"
    with (place / "log").open("wb") as log:
        service = subprocess.Popen(
            ["podman", *own, "system", "service", "--time=0", address],
            env=os.environ | {"CONTAINERS_CONF": str(place / "containers.conf")},
            cwd=place,  # where conmon leaves a file `oom`
            stdout=log,
            stderr=log,
        )
    client = docker.DockerClient(base_url=address, timeout=120, version="1.41")
    try:
        _answers(client, place / "log")
        client.images.load(image)
        yield address, client
    finally:
        client.close()
        service.terminate()
        service.wait(30)
        # Also where a container's own clean-up, which podman does not wait for, still holds a layer.
        subprocess.run(["umount", "--recursive", "--lazy", place / "root/overlay"], check=False, capture_output=True)
        shutil.rmtree(place)


def _own_limits() -> str:
    # Podman asks for more open files and processes than a root without CAP_SYS_RESOURCE may have.
    files, processes = (resource.getrlimit(which)[1] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    limits = {"nofile": files if files > 0 else 2**20, "nproc": min(processes, most) if processes > 0 else most}
    quoted = ", ".join(f'"{name}={limit}:{limit}"' for name, limit in limits.items())
    return f"[containers]\ndefault_ulimits = [{quoted}]\n"


def _answers(client: docker.DockerClient, log: Path) -> None:
    for _ in range(100):
        try:
            client.ping()
        except (DockerException, OSError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text()[-500:])
