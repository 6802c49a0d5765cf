"""A running command with all processes that it starts, which are killed and measured together."""

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
    """A running command."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that ends when the command does."""
        ...

    def kill(self) -> None:
        """Kill the command and all processes that it started."""
        ...

    def end(self) -> None:
        """Kill the remaining processes, and wait until they are gone."""
        ...

    def processes(self) -> list[Path]:
        """Return the /proc folders of its processes."""
        ...

    def has_started(self) -> bool:
        """Whether the command itself was started; only valid when it has ended."""
        ...


@dataclass(frozen=True)
class InSession:
    """A command in its own session, see setsid(2). A process that creates another session escapes."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill the command and its background processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill the remaining processes of the session."""
        self.kill()
        self.process.wait()

    def processes(self) -> list[Path]:
        """Return the processes of the session."""
        return in_session(self.process.pid)

    def has_started(self) -> bool:
        """Return true, because a shell always starts."""
        return True


@dataclass
class InJail:
    """A command in bubblewrap's namespaces.

    ``status`` is the pipe that bubblewrap writes to; ``first`` a file descriptor of the jail's process 1, if it exists.
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
        """Kill the remaining processes of the jail, and wait until the kernel has removed them."""
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
        """Whether bubblewrap reported the command's exit status, which it does only if it started the command."""
        return b"exit-code" in self.status.read()
