"""Read from the ledger how the tests that ever failed ended in each of its runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sessions.gates.results import Presence, TestId
from sessions.ledger.ledger import INCREMENTAL
from sessions.ledger.packing import unpack_results
from sessions.terminal.errors import InfrastructureError

# Shards do not count: their whole is stored as well. Nor do incremental builds, which may be wrong.
_RUNS = (
    f"from results where built and tests not like 'shard %' and gate not like '%{INCREMENTAL}@%' "
    "order by tree, image, gate, attempt, tests"
)


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """One run: ``gate`` by its name alone, ``environment`` by image and digest of the gate's command.

    ``tests`` has those of the gate that failed in any run of the ledger, ``messages`` those that failed in this one.
    """

    gate: str
    tree: str
    environment: str
    is_whole: bool
    attempt: int
    log: str
    tests: Mapping[TestId, Presence]
    messages: Mapping[TestId, str]


def read_runs(path: Path) -> Iterator[StoredRun]:
    """Yield the runs in a ledger, ordered by tree. Runs of a gate in which no test ever failed are left out.

    Raises :class:`InfrastructureError` if the file cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            failing = _failing_tests(db)
            known: dict[object, object] = {}
            for tree, image, gate, tests, attempt, log, packed in db.execute(
                f"select tree, image, gate, tests, attempt, log, results {_RUNS}"
            ):
                name, _, digest = gate.rpartition("@")
                if name in failing:
                    results = unpack_results(json.loads(packed), known)
                    yield StoredRun(
                        gate=name,
                        tree=tree,
                        environment=f"{image} {digest}",
                        is_whole=tests == "*",
                        attempt=attempt,
                        log=log,
                        tests={test: results.presence(test) for test in failing[name]},
                        messages={each.test: each.message for each in results.failures},
                    )
    except (sqlite3.Error, ValueError, LookupError, TypeError) as error:  # all but the first: damaged content
        raise InfrastructureError(f"The ledger {path} cannot be read: {error}.") from None


def _failing_tests(db: sqlite3.Connection) -> dict[str, list[TestId]]:
    """Return, by the name of a gate, the tests that failed in any of its runs."""
    failing: dict[str, set[TestId]] = {}
    for gate, failures in db.execute(f"select gate, json_extract(results, '$.failures') {_RUNS}"):
        tests = {TestId(**failure["test"]) for failure in json.loads(failures)}
        if tests:
            failing.setdefault(gate.rpartition("@")[0], set()).update(tests)
    return {gate: sorted(tests) for gate, tests in failing.items()}
