"""A real Dask cluster on this machine: a scheduler and workers as processes, without git and with little else."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

# All that the workers and their probes find on their PATH.
COMMANDS = ("sh", "cat", "ls", "sleep", "rm", "mkdir", "du", "chmod", "bwrap")
_OTHER = "import platform; platform.platform = lambda *_, **__: 'another platform'"


@dataclass
class LocalCluster:
    """A scheduler, and workers that are started one by one."""

    folder: Path
    port: int = 0
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        tools = self.folder / "bin"
        if not tools.exists():
            tools.mkdir(parents=True)
            for name in COMMANDS:
                if place := shutil.which(name):
                    (tools / name).symlink_to(place)
        return {"PATH": str(tools), "HOME": str(self.folder), "PYTHONWARNINGS": "ignore"}

    def start(self, *workers: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = ["scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._process("scheduler", words)
        for name in workers:
            self.add(name)
        with Client(self.address, timeout=20, set_as_default=False) as client:
            if workers:
                client.wait_for_workers(len(workers), timeout=60)

    def add(self, name: str, **environment: str) -> None:
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name]
        self.workers[name] = self._process(name, [*words, "--host", "127.0.0.1"], environment)

    def add_other(self, name: str) -> None:
        """A worker that is told that it runs on another platform."""
        place = self.folder / "other"
        place.mkdir()
        (place / "sitecustomize.py").write_text(_OTHER)
        self.add(name, PYTHONPATH=str(place))

    def kill(self, name: str) -> None:
        self.workers[name].send_signal(signal.SIGKILL)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def stop(self) -> None:
        started = [*self.workers.values(), *([self.scheduler] if self.scheduler else [])]
        for process in started:
            process.kill()
        for process in started:
            process.wait()

    def _process(
        self, name: str, words: list[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        own = self.folder / name
        own.mkdir(parents=True, exist_ok=True)
        # Our source is not here: what a worker runs of ours was sent to it.
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=own,
                env=self.environment | {"DASK_TEMPORARY_DIRECTORY": str(own)} | dict(environment or {}),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def parents(pid: int) -> set[int]:
    """The processes from which a process comes."""
    found: set[int] = set()
    while pid > 1:
        pid = int(_stat(pid)[1])
        found.add(pid)
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def alive(pid: int) -> bool:
    """Whether a process still runs; one that only waits to be fetched does not."""
    with contextlib.suppress(OSError):
        return _stat(pid)[0] != "Z"
    return False


def until(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that must come."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
