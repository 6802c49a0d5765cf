"""Runs a job in a process of its own on a Dask worker, and returns its reply.

This file is uploaded by itself, under a name that changes with its content, and imports nothing else of Integrand: a
worker that lives for weeks serves sessions of several versions, each with its own code, and imports none of that code.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Lock

from distributed import Worker, get_worker

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from sessions.engines.dask.job import serve; serve(*sys.argv[2:])"
)

RawReply = tuple[str, bytes, int, str]

# By the key of its task: each job that was started in this worker, and its process while it runs.
_started: dict[str, Future[RawReply]] = {}
_running: dict[str, subprocess.Popen[bytes]] = {}
_lock = Lock()


def run_job(key: str, code: str, release: str, job: bytes) -> RawReply:
    """Run a job with the session's code and the release's files, both names of archives that were uploaded.

    Returns this worker's address, the pickled reply (empty if there is none), the status of the process and the last
    line of its errors. A job that runs under that key, or just ended, is not run again: Dask would run it again when a
    session lost its connection.
    """
    own: Future[RawReply] = Future()
    with _lock:
        for old in [each for each, reply in _started.items() if reply.done() and each != key]:
            del _started[old]
        first = _started.setdefault(key, own)
    if first is own:
        try:
            own.set_result(_run_in_process(key, code, release, job))
        except BaseException as error:
            own.set_exception(error)
            raise
    return first.result()


def _run_in_process(key: str, code: str, release: str, job: bytes) -> RawReply:
    worker = get_worker()
    folder = Path(worker.local_directory)
    command = [sys.executable, "-c", _START, str(folder / code), str(folder / "integrand"), str(folder / release)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        _running[key] = process
        assert process.stdin  # noqa: S101  both are pipes
        assert process.stdout  # noqa: S101
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(job)
                process.stdin.flush()
            # Its input stays open until then: where this worker is killed, the process sees its end.
            reply = process.stdout.read()
            with suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        finally:
            _running.pop(key, None)
            process.stdout.close()
        errors.seek(0)
        last = errors.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    return worker.address, reply, status, "".join(last)


def running_keys() -> list[str]:
    """Return the keys of the jobs that were started here, and whose replies may still be requested."""
    return list(_started)


def stop(keys: Sequence[str], release: str, dask_worker: Worker) -> None:
    """Stop the jobs of a session that still run, and delete a release's archive if one is named."""
    for key in keys:
        if process := _running.get(key):
            process.terminate()
    if release:
        (Path(dask_worker.local_directory) / release).unlink(missing_ok=True)
