"""A command that runs on this machine, with all processes that it starts: killed together, measured together."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from sessions.engines.local.processes import in_namespace, in_session, namespace_of


class Running(Protocol):
    """A command under way."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that ends when the command does."""
        ...

    def kill(self) -> None:
        """Kill the command and what it started."""
        ...

    def end(self) -> None:
        """Kill what is left, and wait until all of it is gone."""
        ...

    def processes(self) -> list[Path]:
        """Return the folders of its processes in /proc."""
        ...

    def has_started(self) -> bool:
        """Whether the command itself ran, and not only what was to start it; known when it has ended."""
        ...


@dataclass(frozen=True)
class InSession:
    """A command in a session of its own, see setsid(2): what makes itself another one gets away."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill the command and what it left running in the background."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill what is left in the session."""
        self.kill()
        self.process.wait()

    def processes(self) -> list[Path]:
        """Return the processes of the session."""
        return in_session(self.process.pid)

    def has_started(self) -> bool:
        """A shell always starts."""
        return True


@dataclass
class InJail:
    """A command in bubblewrap's namespaces.

    ``status`` is where bubblewrap writes; ``first`` a file descriptor of the jail's process 1, while there is one.
    """

    process: subprocess.Popen[bytes]
    status: IO[bytes]
    first: int | None
    namespace: str

    @classmethod
    def of(cls, process: subprocess.Popen[bytes], status: IO[bytes]) -> InJail:
        """Wait until bubblewrap has made the jail, or has failed."""
        pid = int(json.loads(status.readline() or b"{}").get("child-pid", 0))
        try:
            first = os.pidfd_open(pid) if pid else None
        except ProcessLookupError:
            first = None
        return cls(process, status, first, namespace_of(pid))

    def kill(self) -> None:
        """Kill process 1 of the jail, with which the kernel kills all others."""
        if self.first is None:
            self.process.kill()
        else:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.first, signal.SIGKILL)

    def end(self) -> None:
        """Kill what is left in the jail, and wait until the kernel has taken all of it away."""
        if self.first is not None:
            self.kill()
            select.select([self.first], [], [])
            os.close(self.first)
            self.first = None
        elif self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def processes(self) -> list[Path]:
        """Return the processes in the jail."""
        return in_namespace(self.namespace)

    def has_started(self) -> bool:
        """Whether bubblewrap tells of the command's status: it does where it could start it."""
        return b"exit-code" in self.status.read()
