"""Run a step in a probe's container, and stop it at its limits."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass

from docker.errors import DockerException
from requests.exceptions import RequestException

from sessions.engines import Listen
from sessions.engines.docker.container import ProbeContainer, printed_by
from sessions.engines.guard import Guard
from sessions.engines.image_names import PROBE_FOLDER
from sessions.engines.machine import DiskWatch
from sessions.engines.output import StepOutput
from sessions.engines.probe import Step, StepOutcome
from sessions.terminal.errors import InfrastructureError

# The daemon reports the signal that ended a container within this many seconds.
_REPORT_DELAY = 2


@dataclass(frozen=True)
class StepRunner:
    """Runs steps whose scripts are in the container."""

    box: ProbeContainer
    disk: DiskWatch

    def run(self, step: Step, listen: Listen) -> StepOutcome:
        """Run one step.

        Raises :class:`InfrastructureError` if somebody else stopped the container.
        """
        guard, output = Guard(self._kill), StepOutput(self.box.bounds, listen)
        api = self.box.client.api
        # Use one stream: the output of two arrives out of order, and cut within lines.
        arguments = ["sh", "-c", f'{self.box.bounds.ulimits}\nexec sh "$0" 2>&1', f"{PROBE_FOLDER}/{step.name}.sh"]
        command = api.exec_create(self.box.container.id, arguments, workdir=self.box.source)["Id"]
        try:
            with guard.watching(step.timeout, self._check):
                for chunk in api.exec_start(command, stream=True):
                    output.take(chunk)
                    if output.exceeded:
                        guard.stop("too much output")
        finally:
            log = output.close()
        return self._ended(step, api.exec_inspect(command)["ExitCode"], log, guard)

    def _ended(self, step: Step, status: int | None, log: str, guard: Guard) -> StepOutcome:
        done = StepOutcome(name=step.name, status=137 if status is None else status, log=log)
        if guard.ending:
            return done.stopped(guard.ending, guard.why)
        self.box.container.reload()
        if status is None or self.box.container.status != "running":
            if self._is_stopped_from_outside():
                raise InfrastructureError("A probe's container was stopped from outside. Run again: the rest is kept.")
            return done.stopped("killed", "process 1 of the container was killed by the command")
        return done.stopped("out of memory", "") if status and self._ran_out_of_memory() else done

    def _check(self) -> None:
        with suppress(DockerException, RequestException):
            self.disk.check()

    def _kill(self) -> None:
        with suppress(DockerException, RequestException):  # it ended by itself just now
            self.box.container.kill()

    def _is_stopped_from_outside(self) -> bool:
        """Return whether somebody asked the daemon to stop the container; commands in it cannot forge that event."""
        state = self.box.container.attrs["State"]
        since, until = (_seconds(state[key]) for key in ("StartedAt", "FinishedAt"))
        filters = {"container": self.box.container.id, "event": ["kill", "stop"]}
        events = self.box.client.api.events(
            since=int(since), until=int(until) + _REPORT_DELAY, filters=filters, decode=True
        )
        return any(True for _ in events)

    def _ran_out_of_memory(self) -> bool:
        # Read the kernel's control groups, version 2 or 1: the daemon's OOMKilled only concerns the first process.
        counts = ["cat", "/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"]
        return bool(re.search(r"^oom_kill [1-9]", printed_by(self.box.container.exec_run(counts)), re.MULTILINE))


def _seconds(text: str) -> float:
    """Return the seconds of a time as Docker writes it, such as ``2026-11-23T04:05:06.123456789Z``."""
    return dt.datetime.fromisoformat(re.sub(r"\.\d+", "", text)).timestamp()
