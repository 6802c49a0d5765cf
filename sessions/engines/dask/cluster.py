"""The connection to a Dask cluster: its scheduler, its workers, and the jobs that they run."""

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
# Seconds in which a scheduler, and then one worker, must answer.
_ANSWER = 10.0
# Seconds in which a reply, with its artifacts, must arrive.
_TRANSFER = 600.0
# A job is as large as the tickets make it: Dask need not warn.
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
        """Connect to the scheduler, and wait for a worker.

        Raises :class:`InfrastructureError` if either does not answer, or Dask is not installed.
        """
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise InfrastructureError(
                'workers = "dask" needs the package distributed: pip install distributed.'
            ) from None
        for name in ("distributed", "distributed.client"):  # our own messages say what matters
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.connect(_ANSWER)
        start = time.monotonic()
        try:
            while not self.workers():
                if time.monotonic() - start > _ANSWER:
                    raise self.no_worker_error()
                time.sleep(0.1)
        except LOST as error:
            raise _no_answer(self.address, error) from None

    def connect(self, patience: float) -> None:
        """Connect, again if need be, and upload the payload if it is missing.

        Raises :class:`InfrastructureError` if the scheduler does not answer for ``patience`` seconds.
        """
        from distributed import Client

        self._disconnect()
        try:
            self._client = Client(self.address, timeout=patience, set_as_default=False, name="integrand")
            self._upload(self._client)
        except (*LOST, ValueError) as error:
            self._disconnect()
            raise _no_answer(self.address, error) from None

    def workers(self) -> dict[str, int]:
        """Return how many jobs each usable worker runs at once, by its address."""
        threads_by_worker: dict[str, int] = self._connected().nthreads()
        return {worker: threads for worker, threads in threads_by_worker.items() if worker not in self.refused}

    def no_worker_error(self) -> InfrastructureError:
        """Return the error that there is no worker, or none that can be used."""
        if self.refused:
            whys = "; ".join(sorted(set(self.refused.values())))
            return InfrastructureError(
                f"No worker of the Dask scheduler {self.address} can run these probes ({whys}): fix that, or set "
                'workers = "here".'
            )
        return InfrastructureError(
            f"The Dask scheduler {self.address} has no worker: start some with `dask worker {self.address} "
            '--nthreads 1`, or set workers = "here".'
        )

    def submit(self, job: Job, *, among: Collection[str] | None = None, key: str = "") -> Future[Any]:
        """Submit a job to one of these workers. If one of them already runs it under that key, its reply is returned.

        Without a key the job runs anew: a second attempt at the same probe is another run.
        """
        import dask

        key, payload = key or next(self._keys), self.payload
        release = payload.release.name if payload.release else ""
        arguments = (key, payload.code.name, release, pickle.dumps(job))
        with dask.config.set(_LARGE):
            run_job = payload.load_worker_code().run_job
            return self._connected().submit(run_job, *arguments, key=key, workers=among and sorted(among))

    def running(self) -> dict[str, str]:
        """Return which worker runs each job, by key: also jobs from before the connection was lost."""
        keys_by_worker = self._connected().run(self.payload.load_worker_code().running_keys, on_error="ignore")
        return {key: worker for worker, keys in keys_by_worker.items() for key in keys}

    def stop(self, keys: Sequence[str], release: str = "") -> None:
        """Stop the jobs with these keys, and delete a release's archive on the workers."""
        if self._client and (keys or release):
            with suppress(*LOST):
                self._client.run(self.payload.load_worker_code().stop, keys, release, on_error="ignore")

    def close(self) -> None:
        """Delete the release's archive on the workers, and disconnect. The code stays for the next session.

        A client that is not connected would wait a minute for a lost scheduler, to no purpose.
        """
        if self._client and self._client.status == "running" and self.payload.release:
            release = self.payload.release.name
            # Of a scheduler that was just lost, the client's pool of connections is closed: a RuntimeError.
            with suppress(*LOST, ValueError, RuntimeError):
                self._client.unregister_worker_plugin(release)
                self.stop([], release)
        self._disconnect()
        self.payload.folder.cleanup()

    def _upload(self, client: Client) -> None:
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

    def _connected(self) -> Client:
        if self._client is None:
            raise InfrastructureError(f"The connection to the Dask scheduler {self.address} is closed: run again.")
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client:
            with suppress(*LOST):
                client.close(timeout=2)


def read_reply(future: Future[Any]) -> tuple[str, JobReply]:
    """Return the address of the worker that replied to a finished job, and its reply. Raises the errors in ``LOST``."""
    from distributed import KilledWorker

    if future.status == "error":
        error = future.exception(timeout=_TRANSFER)
        if isinstance(error, KilledWorker):
            return "", JobFailed(why=f"it was lost with {error.allowed_failures + 1} workers, one after the other")
        return "", JobFailed(why=_text_of(error))
    worker, reply, status, last = future.result(timeout=_TRANSFER)
    if reply:
        unpickled: JobReply = pickle.loads(reply)  # noqa: S301  Dask itself unpickles what workers send
        return worker, unpickled
    if status == 1:  # Python could not even begin
        return worker, JobRefused(why=f"its Python cannot run them: {last}")
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return worker, JobFailed(why=f"its process ended with {how}")


def _no_answer(address: str, error: BaseException) -> InfrastructureError:
    return InfrastructureError(
        f"No Dask scheduler answers at {address} ({_text_of(error)}): start it with `dask scheduler`, correct "
        '[engine] scheduler, or set workers = "here".'
    )


def _text_of(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
