"""How one step of a probe runs on this machine, in a jail where there is one, and how it is stopped."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.engines import Listen
from sessions.engines.bounds import Bounds, ExceededError, say_bytes
from sessions.engines.guard import Guard
from sessions.engines.local.jail import Jail
from sessions.engines.local.process_limit import joining, limited_group, shell_limit
from sessions.engines.local.processes import usage_of
from sessions.engines.local.running import InJail, InSession, Running
from sessions.engines.machine import DiskWatch
from sessions.engines.output import StepOutput
from sessions.engines.probe import Step, StepOutcome
from sessions.terminal.errors import InfrastructureError

_CHUNK = 2**16
# The folder of a probe's room that its commands cannot write to: a link there would lead our own writing elsewhere.
SCRIPTS = "scripts"
# Where the whole machine runs out of memory, the kernel ends a probe before anything of ours.
LIMITED = """{ulimits}
{processes}
{{ echo 500 > /proc/self/oom_score_adj; }} 2> /dev/null
cd "$1" && exec sh "$0"
"""


@dataclass(frozen=True, kw_only=True)
class LocalStepRunner:
    """Runs steps in the folder ``room``, in whose folder ``source`` they begin."""

    room: Path
    jail: Jail | None
    readable: tuple[Path, ...]
    environment: Mapping[str, str]
    bounds: Bounds
    disk: DiskWatch

    def run(self, step: Step, listen: Listen) -> StepOutcome:
        """Run one step; where there is a jail, no process of it is left when this returns.

        Raises :class:`InfrastructureError` where the jail failed.
        """
        if not self._is_usable():
            lost = StepOutcome(name=step.name, status=1, log="")
            return lost.stopped("unusable", "the commands before removed the source, or put something else there")
        # A script, not `sh -c`: one argument may hold 128 KiB, and Sage's list of files is longer.
        script = self.room / SCRIPTS / f"{step.name}.sh"
        script.write_text(step.command + "\n", encoding="utf-8", errors="surrogateescape")
        output = StepOutput(self.bounds, listen, strip=f"{self.room / 'source'}/")
        with self._started(script) as running:
            guard = Guard(running.kill)
            reader = threading.Thread(target=_read, args=(running.process, output, guard), daemon=True)
            reader.start()
            with guard.watching(step.timeout, lambda: self._check(running)):
                running.process.wait()
            running.end()
            reader.join(5)
            log, started = output.close(), running.has_started()
        status = running.process.returncode
        done = StepOutcome(name=step.name, status=status if status >= 0 else 128 - status, log=log)
        if guard.ending:
            return done.stopped(guard.ending, guard.why)
        if not started:
            raise InfrastructureError(f"Bubblewrap (bwrap) failed: {' '.join(log.split())[:200] or 'no word of why'}.")
        return done

    @contextmanager
    def _started(self, script: Path) -> Iterator[Running]:
        limited = LIMITED.format(ulimits=self.bounds.ulimits, processes=shell_limit(self.bounds.processes))
        command = ["sh", "-c", limited, str(script), str(self.room / "source")]
        told, tell = os.pipe()
        with os.fdopen(told, "rb") as status, limited_group(self.bounds.processes) as group:
            try:
                process = self._start(command, tell, group)
            finally:
                os.close(tell)
            running = InJail.of(process, status) if self.jail else InSession(process)
            try:
                yield running
            finally:
                running.end()

    def _start(self, command: list[str], tell: int, group: Path | None) -> subprocess.Popen[bytes]:
        if self.jail is None:
            return self._open(joining(group, command), [])
        with self.jail.filter() as filter_:
            readable = (*self.readable, self.room / SCRIPTS)
            words = self.jail.words(self.room, command, told=tell, filter_=filter_, readable=readable)
            return self._open(joining(group, words), [tell, filter_])

    def _open(self, words: list[str], files: list[int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words,
            env=dict(self.environment),  # of bubblewrap, too: a probe can read it in /proc/1/environ
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=files,
        )

    def _is_usable(self) -> bool:
        """Whether the probe's folders are still there; its commands may have taken rights away."""
        if not _is_folder(self.room):
            return False
        self.room.chmod(0o755)
        return _is_folder(self.room / "source") and _is_folder(self.room / SCRIPTS)

    def _check(self, running: Running) -> None:
        processes = running.processes()
        if len(processes) > self.bounds.processes:
            text = f"it ran more than {self.bounds.processes} processes ([engine] processes sets how many)"
            raise ExceededError("too many processes", text)
        found = usage_of(processes, self.bounds.memory)
        if found.memory > self.bounds.memory:
            text = f"it took more than {say_bytes(self.bounds.memory)} of memory ([engine] memory sets how much)"
            raise ExceededError("out of memory", text)
        self.disk.check(found.unnamed)


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _read(process: subprocess.Popen[bytes], output: StepOutput, guard: Guard) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for
    with process.stdout as stream:
        while chunk := os.read(stream.fileno(), _CHUNK):
            output.take(chunk)
            if output.exceeded:
                guard.stop("too much output")
