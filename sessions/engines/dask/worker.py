"""Carries a probe from a Dask worker's thread to a process of its own there, and what comes of it back.

This file is sent by itself, under a name that changes with its content, and imports nothing of ours: a worker that
lives for weeks serves sessions of several versions, each with its own code, and none of it stays in the worker.
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

Carried = tuple[str, bytes, int, str]

# By the key of its task: what was begun in this worker, and its process while it runs.
_begun: dict[str, Future[Carried]] = {}
_running: dict[str, subprocess.Popen[bytes]] = {}
_one_at_a_time = Lock()


def carry(key: str, code: str, release: str, job: bytes) -> Carried:
    """Run an errand with the session's code and the release's files, both names of archives that were uploaded.

    Returns this worker's address, the reply (empty if there is none), the process's status and its last words. What
    runs under that key already, or just did, is not run again: Dask would, when a session lost its connection.
    """
    mine: Future[Carried] = Future()
    with _one_at_a_time:
        for old in [each for each, reply in _begun.items() if reply.done() and each != key]:
            del _begun[old]
        first = _begun.setdefault(key, mine)
    if first is mine:
        try:
            mine.set_result(_carry(key, code, release, job))
        except BaseException as error:
            mine.set_exception(error)
            raise
    return first.result()


def _carry(key: str, code: str, release: str, job: bytes) -> Carried:
    worker = get_worker()
    here = Path(worker.local_directory)
    words = [sys.executable, "-c", _START, str(here / code), str(here / "integrand"), str(here / release)]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        _running[key] = process
        assert process.stdin  # noqa: S101  both were asked for
        assert process.stdout  # noqa: S101
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(job)
                process.stdin.flush()
            # Its input stays open: where this worker is killed, it ends, and the process sees that.
            reply = process.stdout.read()
            with suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        finally:
            _running.pop(key, None)
            process.stdout.close()
        complaints.seek(0)
        last = complaints.read().decode("utf-8", "replace").strip().splitlines()[-1:]
    return worker.address, reply, status, "".join(last)


def doing() -> list[str]:
    """The keys of what was begun here, and may still be asked for."""
    return list(_begun)


def stop(keys: Sequence[str], release: str, dask_worker: Worker) -> None:
    """Stop what still runs of a session; with the name of a release's archive, take that away too."""
    for key in keys:
        if process := _running.get(key):
            process.terminate()
    if release:
        (Path(dask_worker.local_directory) / release).unlink(missing_ok=True)
