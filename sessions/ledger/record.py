"""The run record on disk: ``STATE/latest/run.json``, described by ``run.schema.json`` beside this module."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from sessions.terminal.errors import UsageError


class Purpose(StrEnum):
    """What a probe is for."""

    RELEASE = "release"  # the baseline
    HEAD = "head"  # whether the head is green
    FLAKES = "flakes"  # whether a failure comes again
    SEARCH = "search"  # which ticket or commit breaks a test


Record = Mapping[str, Any]
RECORD_VERSION = 1
SCHEMA = Path(__file__).with_name("run.schema.json")


def save_record(record: Record, folder: Path) -> None:
    """Write ``run.json`` in a day's folder and let ``latest`` be that day; each whole or not at all."""
    write_whole(folder / "run.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    point_latest(folder)


def point_latest(folder: Path) -> None:
    """Let ``latest``, beside the folder of all days, be this one."""
    latest = folder.parent.parent / "latest"
    half = latest.with_suffix(".half")
    half.unlink(missing_ok=True)
    half.symlink_to(os.path.relpath(folder, latest.parent), target_is_directory=True)
    half.replace(latest)


def load_record(state: Path) -> Record:
    """The newest record of a state folder.

    Raises :class:`UsageError` where there is none that can be read.
    """
    path = state / "latest" / "run.json"
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("it holds no record")  # noqa: TRY004, TRY301  told with the other ways to be unreadable
    except FileNotFoundError:
        raise UsageError(f"There is no run yet in {state}: type `nox -s integrate` first.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}): type `nox -s integrate` to write it anew.") from None
    if record.get("version") != RECORD_VERSION:
        raise UsageError(f"{path} has version {record.get('version')}, and this Integrand reads {RECORD_VERSION}.")
    return record


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old content or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8", errors="backslashreplace")
    half.replace(path)
