"""Split a day over the jobs of a CI matrix: each runs its shard of the gates, and one gathers the results.

``--plan-shards 4`` prints the matrix, ``--shard 2/4`` runs one part, on the same state folder or an empty one, and
``--gather DIR``, with the jobs' state folders somewhere in it, goes on as if it had run them all.
"""

from __future__ import annotations

import json
import shutil

from sessions.day.baselines import Baselines
from sessions.day.context import Day
from sessions.day.question import Question
from sessions.ledger.record import Purpose
from sessions.ledger.state_archive import LEDGER
from sessions.source.merging import Candidate
from sessions.terminal.errors import UsageError


def plan(count: int) -> str:
    """Return the matrix in the format of GitHub's ``strategy.matrix``."""
    return json.dumps({"shard": [f"{place}/{count}" for place in range(1, count + 1)]})


def run_shard(day: Day, baselines: Baselines, head: Candidate, shard: tuple[int, int]) -> None:
    """Run one part of each gate on the release, on what the line starts with, and on the head.

    Gates without files go as a whole.
    """
    place, count = shard
    questions = []
    release = (day.merger.bare, f"on {day.release.tag} itself", Purpose.RELEASE)
    on_head = (head, "on the head", Purpose.HEAD)
    start = (baselines.start, f"on {baselines.name}", Purpose.RELEASE)
    parts = [release, on_head] if baselines.start == day.merger.bare else [release, start, on_head]
    runner = baselines.runner
    for turn, gate in enumerate(day.asked_gates()):
        for candidate, why, purpose in parts:
            whole = Question(gate=gate, candidate=candidate, why=why, purpose=purpose, keep=True)
            if gate.files:
                questions.append(runner.cache.shards_of(whole, count)[place - 1])
            elif turn % count == place - 1:
                questions.append(whole)
    runner.results(questions)


def gather(day: Day) -> None:
    """Copy results, logs and artifacts from the state folders below ``--gather``.

    Raises :class:`UsageError` if there are none.
    """
    folder = day.options.gather
    if folder is None:
        return
    found = sorted(path for path in folder.rglob(LEDGER) if path.parent != day.state)
    if not found:
        raise UsageError(f"--gather: there is no state folder in {folder}: put those of the shards there.")
    taken = 0
    for ledger in found:
        taken += day.ledger.absorb(ledger)
        for name in ("logs", "artifacts"):
            if (ledger.parent / name).is_dir():
                shutil.copytree(ledger.parent / name, day.state / name, dirs_exist_ok=True)
    day.console.detail(f"{taken} results gathered from {len(found)} state folders")
