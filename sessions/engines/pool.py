"""Pools run several probes at once: here on threads of this process, each of which waits for a container or process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Protocol

from sessions.engines import Engine, Listen
from sessions.engines.probe import Outcome, Probe
from sessions.terminal.errors import InfrastructureError


class Pool(Protocol):
    """Runs probes, several at once."""

    @property
    def size(self) -> int:
        """How many probes run at once."""
        ...

    def run(
        self, probes: Sequence[tuple[Probe, Listen]], at_once: int = 0
    ) -> Iterator[tuple[int, Outcome | InfrastructureError]]:
        """Run probes, at most ``at_once`` together if that is given.

        Yields the index of each in ``probes`` and its outcome, as they end.

        A listener hears the lines that its probe prints, on any thread. An error of the engine is yielded and not
        raised, so that the outcomes of all other probes are kept.
        """
        ...

    def close(self) -> None:
        """Stop what still runs, and release all resources."""
        ...


@dataclass(frozen=True)
class Threads:
    """A pool of ``size`` threads on the engine of this machine."""

    engine: Engine
    size: int

    def run(
        self, probes: Sequence[tuple[Probe, Listen]], at_once: int = 0
    ) -> Iterator[tuple[int, Outcome | InfrastructureError]]:
        """Run probes on threads; a single one runs on the caller's thread.

        A probe that ran while the machine was in trouble runs again by itself, as the others may have been the cause.
        """
        size = at_once or self.size
        if len(probes) == 1 or size == 1:
            yield from ((place, self._run(*each)) for place, each in enumerate(probes))
            return
        troubled: list[int] = []
        with ThreadPoolExecutor(size) as threads:
            running = {threads.submit(self._run, *each): place for place, each in enumerate(probes)}
            try:
                for done in as_completed(running):
                    outcome = done.result()
                    if isinstance(outcome, Outcome) and outcome.trouble:
                        troubled.append(running[done])
                    else:
                        yield running[done], outcome
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
        for place in troubled:
            yield place, self._run(*probes[place])

    def close(self) -> None:
        """Do nothing: the caller closes the engine."""

    def _run(self, probe: Probe, listen: Listen) -> Outcome | InfrastructureError:
        try:
            return self.engine.run(probe, listen)
        except InfrastructureError as error:
            return error
