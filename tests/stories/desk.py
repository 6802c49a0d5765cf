"""A user's desk: an empty folder in which sessions are typed, each in a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

DATE = "2026-11-23"
DAY = Path(__file__).with_name("day.py")
Record = dict[str, Any]
# What days in containers of our own work on: all tickets at a desk, or with INTEGRAND_DAYS set. Else a seeded choice of
# one that merges, a conflict, a pair at fault together, and one at fault alone, which is not found by the manual.
IN_PART = os.environ.get("CI") == "true" and "INTEGRAND_DAYS" not in os.environ
_KINDS = ((101, 104, 107, 118), (102,), (103,), (115,), (116,), (111, 114))
_CHANCE = random.Random(18)  # noqa: S311  which tickets, no secret
SOME_TICKETS = ("--only", ",".join(str(_CHANCE.choice(kind)) for kind in _KINDS)) if IN_PART else ()


def own_config(rest: str, *, ready: tuple[str, ...] = ()) -> str:
    """The configuration of a project of one's own, with a ticket file and the local engine; ``rest`` has the gates."""
    return f"""
version = 1
[project]
name = "own"
repository = "project.git"
[tickets]
url = "tickets.toml"
ready = {json.dumps(ready)}
milestone = ""
[engine]
kind = "local"
{rest}"""


@dataclass(frozen=True)
class Desk:
    """A user's empty folder."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / ".integrand"

    def type(
        self, session: str, *words: str, die: str = "", typed: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Type ``nox -s SESSION -- WORDS``, and ``typed`` into it.

        The process kills itself at a ledger write where ``die`` says so: ``after 1`` is just after the first one.
        """
        command = [sys.executable, str(DAY), session, "--date", DATE, *words]
        surroundings = {**os.environ, "DIE": die, "NO_COLOR": "1", **env}
        return subprocess.run(
            command, cwd=self.folder, env=surroundings, capture_output=True, text=True, check=False, input=typed
        )

    def record(self) -> Record:
        record: Record = json.loads((self.state / "latest" / "run.json").read_text())
        return record


@dataclass(frozen=True)
class Done:
    """The sample's undisturbed day on the local engine, as it was when it ended."""

    desk: Desk
    process: subprocess.CompletedProcess[str]
    record: Record


def new_desk(factory: pytest.TempPathFactory) -> Desk:
    return Desk(factory.mktemp("desk"))


def undisturbed_day(factory: pytest.TempPathFactory) -> Done:
    """Return a copy of the shared day, whose folder a test may change."""
    done, desk = shared_day(factory), new_desk(factory)
    shutil.copytree(done.desk.folder, desk.folder, symlinks=True, dirs_exist_ok=True)
    return replace(done, desk=desk)


def shared_day(factory: pytest.TempPathFactory, *words: str) -> Done:
    """Return the day, with these words, that all workers of a run of pytest share: no test may change its folder."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "-".join(("shared-day", *words))
    with FileLock(f"{folder}.lock"):
        desk, kept = Desk(folder / "desk"), folder / "done.pickle"
        if not kept.exists():
            desk.folder.mkdir(parents=True)
            process = desk.type("integrate", "--engine", "local", *words)
            assert process.returncode == 0, process.stdout + process.stderr
            kept.write_bytes(pickle.dumps(Done(desk, process, desk.record())))
        done: Done = pickle.loads(kept.read_bytes())  # noqa: S301  our own
        return done


def timeless(record: Mapping[str, Any]) -> Any:
    """A record without what may differ between two runs of the same day: times, this engine's images, paths."""
    own = ("timings", "image", "images", "engine")
    text = json.dumps({key: value for key, value in record.items() if key not in own})
    return json.loads(re.sub(r'"seconds": [\d.]+', '"seconds": 0', text))


def verdicts(record: Mapping[str, Any]) -> dict[int, str]:
    return {ticket["number"]: ticket["verdict"] for ticket in record["tickets"]}
