"""A Dask cluster: its scheduler, its workers, and the errands that they are given."""

from __future__ import annotations

import itertools
import logging
import pickle
import signal
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sessions.engines.dask.job import Job, JobFailed, JobRefused, JobReply
from sessions.engines.dask.payload import Payload
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from distributed import Client, Future

# What Dask raises where the scheduler is gone; its CommClosedError is an OSError.
LOST = (OSError, CancelledError)
# Seconds in which a scheduler, and one worker, must answer at first.
_ANSWER = 10.0
# Bringing a reply here, artifacts and all, takes no longer.
_TRANSFER = 600.0
# An errand is as large as the tickets make it: Dask need not warn of it.
_LARGE = {"distributed.admin.large-graph-warning-threshold": "1 GB"}


@dataclass
class Cluster:
    """The connection to a scheduler. ``refused`` says why workers cannot be used, by their address."""

    address: str
    payload: Payload
    refused: dict[str, str] = field(default_factory=dict)
    _client: Client | None = None
    _keys: Iterator[str] = field(
        default_factory=lambda: map(f"probe-{uuid.uuid4().hex[:12]}-{{}}".format, itertools.count())
    )

    def open(self) -> None:
        """Reach the scheduler, and see that somebody works for it.

        Raises :class:`InfrastructureError` where that is not so, or Dask is not installed.
        """
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise InfrastructureError(
                'workers = "dask" needs the package distributed: pip install distributed.'
            ) from None
        for name in ("distributed", "distributed.client"):  # we tell what matters, in our words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.connect(_ANSWER)
        start = time.monotonic()
        try:
            while not self.workers():
                if time.monotonic() - start > _ANSWER:
                    raise self.nobody()
                time.sleep(0.1)
        except LOST as error:
            raise self._silent(error) from None

    def connect(self, patience: float) -> None:
        """Connect, anew if need be, and bring our files where they are not there yet.

        Raises :class:`InfrastructureError` where the scheduler does not answer for so many seconds.
        """
        from distributed import Client

        self._hang_up()
        try:
            self._client = Client(self.address, timeout=patience, set_as_default=False, name="integrand")
            self._equip(self._client)
        except (*LOST, ValueError) as error:
            self._hang_up()
            raise self._silent(error) from None

    def workers(self) -> dict[str, int]:
        """How many errands each worker runs at once, by its address; without those that were refused."""
        there: dict[str, int] = self._connected().nthreads()
        return {worker: threads for worker, threads in there.items() if worker not in self.refused}

    def nobody(self) -> InfrastructureError:
        """That there is no worker, or none that can be used."""
        if self.refused:
            whys = "; ".join(sorted(set(self.refused.values())))
            return InfrastructureError(
                f"No worker of the Dask scheduler {self.address} can run these probes ({whys}): mend that, or set "
                'workers = "here".'
            )
        return InfrastructureError(
            f"The Dask scheduler {self.address} has no worker: start some with `dask worker {self.address} "
            '--nthreads 1`, or set workers = "here".'
        )

    def give(self, job: Job, *, among: Collection[str] | None = None, key: str = "") -> Future[Any]:
        """Have an errand done by one of these workers. Where it is being done under that key already, that counts.

        Without a key, it is done anew: a second attempt is another run, though it be the same probe.
        """
        import dask

        key, payload = key or next(self._keys), self.payload
        release = payload.release.name if payload.release else ""
        words = (key, payload.code.name, release, pickle.dumps(job))
        with dask.config.set(_LARGE):
            carry = payload.load_worker_code().carry
            return self._connected().submit(carry, *words, key=key, workers=among and sorted(among))

    def doing(self) -> dict[str, str]:
        """Which worker has what in hand, by its key: also what was given out before the connection was lost."""
        said = self._connected().run(self.payload.load_worker_code().doing, on_error="ignore")
        return {key: worker for worker, keys in said.items() for key in keys}

    def reply(self, future: Future[Any]) -> tuple[str, JobReply]:
        """Which worker replied, and what, to an errand that ended. Raises what is in ``LOST``."""
        from distributed import KilledWorker

        if future.status == "error":
            error = future.exception(timeout=_TRANSFER)
            if isinstance(error, KilledWorker):
                return "", JobFailed(why=f"it was lost with {error.allowed_failures + 1} workers, one after the other")
            return "", JobFailed(why=_said(error))
        worker, reply, status, last = future.result(timeout=_TRANSFER)
        if reply:
            said: JobReply = pickle.loads(reply)  # noqa: S301  Dask itself unpickles what workers send
            return worker, said
        if status == 1:  # Python could not even begin
            return worker, JobRefused(why=f"its Python cannot run them: {last}")
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return worker, JobFailed(why=f"its process ended with {how}")

    def stop(self, keys: Sequence[str], release: str = "") -> None:
        """Stop what runs under these keys, and take a release away."""
        if self._client and (keys or release):
            with suppress(*LOST):
                self._client.run(self.payload.load_worker_code().stop, keys, release, on_error="ignore")

    def close(self) -> None:
        """Take the release away from there, and hang up. Courier and code stay for the next session."""
        if self._client and self.payload.release:
            release = self.payload.release.name
            # Of a scheduler that was just lost, the client's pool of connections is closed: a RuntimeError.
            with suppress(*LOST, ValueError, RuntimeError):
                self._client.unregister_worker_plugin(release)
                self.stop([], release)
        self._hang_up()
        self.payload.room.cleanup()

    def _equip(self, client: Client) -> None:
        from distributed.diagnostics.plugin import SchedulerUploadFile, UploadFile

        for file in self.payload.files:
            if client.get_metadata([file.name], default=False):
                continue  # it may just be read there
            imported = file == self.payload.worker_code
            if imported:
                client.register_plugin(SchedulerUploadFile(str(file)), name=file.name)
            # Workers that come later are given it too.
            client.register_plugin(UploadFile(str(file), load=imported), name=file.name)
            client.set_metadata([file.name], value=True)

    def _silent(self, error: BaseException) -> InfrastructureError:
        return InfrastructureError(
            f"No Dask scheduler answers at {self.address} ({_said(error)}): start it with `dask scheduler`, mend "
            '[engine] scheduler, or set workers = "here".'
        )

    def _connected(self) -> Client:
        if self._client is None:
            raise InfrastructureError(f"Nothing connects to the Dask scheduler {self.address} any more: run again.")
        return self._client

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client:
            with suppress(*LOST):
                client.close(timeout=2)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
