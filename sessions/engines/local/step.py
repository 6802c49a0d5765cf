"""Run the steps of a probe on this machine, in a jail if there is one, and stop them at their limits."""

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
from sessions.engines.local.workspace import SCRIPTS, Workspace
from sessions.engines.machine import DiskWatch
from sessions.engines.output import StepOutput
from sessions.engines.probe import Probe, Step, StepOutcome
from sessions.terminal.errors import InfrastructureError

_CHUNK = 2**16
# Where the whole machine runs out of memory, the kernel ends a probe before anything of ours.
LIMITED = """{ulimits}
{processes}
{{ echo 500 > /proc/self/oom_score_adj; }} 2> /dev/null
cd "$1" && exec sh "$0"
"""


@dataclass(frozen=True, kw_only=True)
class LocalStepRunner:
    """Runs steps in the source of a workspace. ``readable`` are other folders that a jail shows."""

    workspace: Workspace
    jail: Jail | None
    readable: tuple[Path, ...]
    environment: Mapping[str, str]
    disk: DiskWatch

    @property
    def bounds(self) -> Bounds:
        """The bounds of the probe."""
        return self.workspace.bounds

    def run(self, step: Step, listen: Listen) -> StepOutcome:
        """Run one step; in a jail, none of its processes is left afterwards.

        Raises :class:`InfrastructureError` if the jail failed.
        """
        if not self._is_usable():
            lost = StepOutcome(name=step.name, status=1, log="")
            return lost.stopped("unusable", "the commands before removed the source, or put something else there")
        # A script, not `sh -c`: one argument may hold 128 KiB, and Sage's list of files is longer.
        script = self.workspace.folder / SCRIPTS / f"{step.name}.sh"
        script.write_text(step.command + "\n", encoding="utf-8", errors="surrogateescape")
        output = StepOutput(self.bounds, listen, strip=f"{self.workspace.source}/")
        with self._started(f"{SCRIPTS}/{step.name}.sh") as running:
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
            raise InfrastructureError(
                f"Bubblewrap (bwrap) failed: {' '.join(log.split())[:200] or 'no reason is known'}."
            )
        return done

    @contextmanager
    def _started(self, script: str) -> Iterator[Running]:
        limited = LIMITED.format(ulimits=self.bounds.ulimits, processes=shell_limit(self.bounds.processes))
        inside = self.workspace.view.inside
        command = ["sh", "-c", limited, str(inside / script), str(self.workspace.source)]
        readable, writable = os.pipe()
        with os.fdopen(readable, "rb") as status, limited_group(self.bounds.processes) as group:
            try:
                process = self._start(command, writable, group)
            finally:
                os.close(writable)
            running = InJail.of(process, status) if self.jail else InSession(process)
            try:
                yield running
            finally:
                running.end()

    def _start(self, command: list[str], status: int, group: Path | None) -> subprocess.Popen[bytes]:
        folder, enter = self.workspace.view.inside, self.workspace.view.enter
        if self.jail is None:
            return self._open(joining(group, [*enter, *command]), [])
        with self.jail.filter() as filter_:
            readable = (*self.readable, folder / SCRIPTS)
            arguments = self.jail.words(folder, command, status=status, filter_=filter_, readable=readable)
            return self._open(joining(group, [*enter, *arguments]), [status, filter_])

    def _open(self, arguments: list[str], files: list[int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            arguments,
            env=dict(self.environment),  # of bubblewrap, too: a probe can read it in /proc/1/environ
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=files,
        )

    def _is_usable(self) -> bool:
        """Return whether the probe's folders still exist; its commands may have removed permissions."""
        folder = self.workspace.folder
        if not _is_folder(folder):
            return False
        folder.chmod(0o755)
        return _is_folder(self.workspace.view.source) and _is_folder(folder / SCRIPTS)

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


def run_steps(probe: Probe, runner: LocalStepRunner, listen: Listen, skip: int = 0) -> tuple[StepOutcome, ...]:
    """Run the steps of a probe until one fails, without the first ones that are done already."""
    done: list[StepOutcome] = []
    for step in probe.steps[skip:]:
        done.append(_run_without(probe.deletes_before(step), step, runner, listen))
        if done[-1].is_failure:
            break
    return tuple(done)


def _run_without(outdated: tuple[str, ...], step: Step, runner: LocalStepRunner, listen: Listen) -> StepOutcome:
    """Delete the outdated files that exist, and run a step."""
    try:
        runner.workspace.delete_matching(outdated)
    except ExceededError as exceeded:
        return StepOutcome(name=step.name, status=1, log="").stopped(exceeded.ending, str(exceeded))
    return runner.run(step, listen)


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _read(process: subprocess.Popen[bytes], output: StepOutput, guard: Guard) -> None:
    assert process.stdout is not None  # noqa: S101  it was asked for
    with process.stdout as stream:
        while chunk := os.read(stream.fileno(), _CHUNK):
            output.take(chunk)
            if output.exceeded:
                guard.stop("too much output")
