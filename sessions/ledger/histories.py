"""How often tests passed and failed by chance in earlier runs, from the ledger's results."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sessions.gates.results import Presence, TestId
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.ledger.packing import unpack_results

# Ledgers of the current format may lack this table, as it was added without a new format.
HISTORIES_TABLE = """
create table if not exists histories (
    head text not null,
    gate text not null,
    test text not null,
    told text not null,
    primary key (head, gate, test)
) without rowid
"""


def kept_histories(db: sqlite3.Connection, head: str, gate: str, tests: Sequence[TestId]) -> dict[TestId, RunHistory]:
    """Return the histories of tests: those that were stored for ``head``, and new ones, which are stored now."""
    stored = dict(db.execute("select test, told from histories where head = ? and gate = ?", (head, gate)))
    names = {test: json.dumps(asdict(test)) for test in tests}
    fresh = [test for test in tests if names[test] not in stored]
    computed = _compute_histories(db, gate, fresh) if fresh else {}
    rows = [(head, gate, names[test], json.dumps(asdict(history))) for test, history in computed.items()]
    # One transaction: 20,000 of them would wait for the disk 20,000 times.
    db.execute("begin")
    with db:
        db.executemany("insert into histories values (?, ?, ?, ?)", rows)
    return computed | {test: RunHistory(**json.loads(stored[names[test]])) for test in tests if names[test] in stored}


def _compute_histories(db: sqlite3.Connection, gate: str, tests: Sequence[TestId]) -> dict[TestId, RunHistory]:
    """Compute histories from all whole and partial runs. Shards do not count: their whole is stored as well."""
    rows = db.execute(
        "select tree, image, results from results where built and substr(gate, 1, ?) = ? and tests not like 'shard %'",
        (len(gate) + 1, f"{gate}@"),
    )
    seen: dict[TestId, dict[tuple[str, str], RunCounts]] = {test: {} for test in tests}
    for tree, image, packed in rows:
        results = unpack_results(json.loads(packed))
        for test, trees in seen.items():
            presence = results.presence(test)
            run = RunCounts(fails=presence is Presence.FAILED, passes=presence is Presence.PASSED)
            trees[tree, image] = trees.get((tree, image), RunCounts()) + run
    return {test: _history(trees.values()) for test, trees in seen.items()}


def _history(trees: Iterable[RunCounts]) -> RunHistory:
    """Sum up runs by tree. A tree on which a test never passed says nothing about chance, so it is left out."""
    with_passes = [counts for counts in trees if counts.passes]
    return RunHistory(
        runs=sum(counts.total for counts in with_passes), odd=sum(counts.minority for counts in with_passes)
    )
