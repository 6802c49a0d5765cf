"""How many probes run at once, and where: on threads here, each of which waits for its own container or process."""

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

    def run(self, probes: Sequence[tuple[Probe, Listen]]) -> Iterator[tuple[int, Outcome | InfrastructureError]]:
        """Run probes; yields the place of each in ``probes`` and what it came to, as they end.

        A listener hears the lines that its probe prints, on whatever thread. What fails on our own side is yielded,
        not raised, so that the outcomes of all others are kept.
        """
        ...

    def close(self) -> None:
        """Give back what was borrowed; what still runs is stopped."""
        ...


@dataclass(frozen=True)
class Threads:
    """A pool on the engine of this machine."""

    engine: Engine
    size: int

    def run(self, probes: Sequence[tuple[Probe, Listen]]) -> Iterator[tuple[int, Outcome | InfrastructureError]]:
        """Run probes on threads; one alone runs on this one.

        A probe in whose time the machine was in trouble is run again alone, as the others may have been the trouble.
        """
        if len(probes) == 1 or self.size == 1:
            yield from ((place, self._run(*each)) for place, each in enumerate(probes))
            return
        troubled: list[int] = []
        with ThreadPoolExecutor(self.size) as threads:
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
        """The engine is closed by who opened it."""

    def _run(self, probe: Probe, listen: Listen) -> Outcome | InfrastructureError:
        try:
            return self.engine.run(probe, listen)
        except InfrastructureError as error:
            return error
