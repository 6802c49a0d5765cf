"""Stop a step for the first of these reasons: its time is up, it uses too much, it prints too much."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sessions.engines.bounds import ExceededError
from sessions.engines.probe import Ending

# Raises :class:`ExceededError` if a step must be stopped.
Check = Callable[[], None]

# Seconds between two checks of a step; more if a check takes long, so that checks cost 10 % at most.
_LOOK = 0.2
_SHARE = 10


class Guard:
    """Stops one step by calling ``kill``, at most once and only while it is watched, and knows why."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self._kill, self._lock, self._watched = kill, threading.Lock(), True
        self._killer = threading.Thread(target=kill, daemon=True)
        self.ending: Ending | None = None
        self.why = ""

    def stop(self, ending: Ending, why: str = "") -> None:
        """Stop the step, if nothing has stopped it yet.

        It is killed in another thread: Docker's daemon does not end a container before its output is read.
        """
        with self._lock:
            if self.ending is None:
                self.ending, self.why = ending, why
                if self._watched:
                    self._killer.start()

    @contextmanager
    def watching(self, timeout: float, check: Check) -> Iterator[None]:
        """Stop the step after ``timeout`` seconds, or when ``check`` raises, while the block runs."""
        over = threading.Event()
        timer = threading.Timer(timeout, self.stop, ("timeout",))
        looks = threading.Thread(target=self._look, args=(over, check), daemon=True)
        timer.start()
        looks.start()
        try:
            yield
        finally:
            timer.cancel()
            over.set()
            timer.join()
            looks.join()
            with self._lock:
                self._watched = False
            if self._killer.ident:
                self._killer.join()  # podman gives empty archives of a container that is just being killed

    def _look(self, over: threading.Event, check: Check) -> None:
        took = 0.0
        while not over.wait(max(_LOOK, _SHARE * took)):
            start = time.monotonic()
            try:
                check()
            except ExceededError as exceeded:
                self.stop(exceeded.ending, str(exceeded))
                return
            took = time.monotonic() - start
