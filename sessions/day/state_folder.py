"""The state folder, held by one session at a time, with that session's temporary files."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sessions.day.temporary_files import collect_temporary_files
from sessions.terminal.errors import InfrastructureError, StateInUseError


@contextmanager
def hold_state(state: Path) -> Iterator[None]:
    """Lock a state folder for one session, and keep its temporary files together.

    The lock ends with the process, however that ends.

    Raises :class:`StateInUseError` where another session holds it, and :class:`InfrastructureError` where it cannot be
    used.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "lock", timeout=0)
        holder = state / "holder.json"
        try:
            with lock:
                content = {"pid": os.getpid(), "since": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
                holder.write_text(json.dumps(content), encoding="utf-8")
                with collect_temporary_files(state):
                    yield
        except Timeout:
            raise StateInUseError(
                f"Another session works in {state} ({_who(holder)}): wait for it, or take another folder with --state."
            ) from None
    except OSError as error:
        raise InfrastructureError(
            f"The state folder {state} cannot be used: {error.strerror or error}. Make room or take another "
            "folder with --state, then run again; what is known is kept."
        ) from None


def _who(holder: Path) -> str:
    try:
        content = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {content['pid']} since {content['since']}"
    except (OSError, ValueError, KeyError):
        return "it does not say which"
