"""Stores the results of probes in SQLite, by tree, image, gate, tests and attempt, for all days that need them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.gates.results import Results, TestId
from sessions.gates.run_history import RunHistory
from sessions.gates.shards import Shard, ShardFiles
from sessions.ledger.histories import HISTORIES_TABLE, kept_histories
from sessions.ledger.packing import pack_results, unpack_results
from sessions.terminal.errors import InfrastructureError

# Follows a gate's name in the keys of results that came from incremental builds. No gate's name has a plus sign. So
# these results are in no test's history.
INCREMENTAL = "+incremental"
# Since format 2, results name the tests that passed. Older ones do not, so they cannot be compared.
_VERSION = 2
_TABLES = """
create table results (
    tree text not null,
    image text not null,
    gate text not null,
    tests text not null,
    attempt integer not null,
    built integer not null,
    results text not null,
    seconds real not null,
    log text not null,
    primary key (tree, image, gate, tests, attempt)
) without rowid;
"""


@dataclass(frozen=True, kw_only=True)
class Key:
    """Identifies a probe. ``tests`` are files, one a line, or ``*`` for all tests of the gate."""

    tree: str
    image: str
    gate: str
    tests: str = "*"
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """The result of a probe: ``results``, whether it was built, how long it took, and the log's file name."""

    built: bool
    results: Results
    seconds: float
    log: str


class Ledger:
    """The ledger of one state folder. Each write is one transaction.

    Every method raises :class:`InfrastructureError` if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Any, Any] = {}
        with _translate_errors(self._path):
            self._db = sqlite3.connect(path, isolation_level=None)
            _upgrade(self._db, path)
            self._db.execute("pragma journal_mode = wal")

    def find(self, key: Key) -> ProbeResult | None:
        """Return the stored result, or ``None``."""
        with _translate_errors(self._path):
            row = self._db.execute(
                "select built, results, seconds, log from results "
                "where tree = ? and image = ? and gate = ? and tests = ? and attempt = ?",
                (key.tree, key.image, key.gate, key.tests, key.attempt),
            ).fetchone()
            if row is None:
                return None
            return ProbeResult(
                built=bool(row[0]), results=unpack_results(json.loads(row[1]), self._known), seconds=row[2], log=row[3]
            )

    def write(self, key: Key, probe_result: ProbeResult) -> None:
        """Store a result; it replaces an earlier one of the same key."""
        with _translate_errors(self._path):
            self._db.execute(
                "insert or replace into results values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key.tree, key.image, key.gate, key.tests, key.attempt, probe_result.built),
                    *(json.dumps(pack_results(probe_result.results)), probe_result.seconds, probe_result.log),
                ),
            )

    def shards(self, key: Key) -> dict[ShardFiles, ProbeResult]:
        """Return the stored results of shards of the whole gate that ``key`` names."""
        with _translate_errors(self._path):
            rows = self._db.execute(
                "select tests, built, results, seconds, log from results "
                "where tree = ? and image = ? and gate = ? and attempt = ? and tests like 'shard %'",
                (key.tree, key.image, key.gate, key.attempt),
            )
            found = {}
            for tests, built, results, seconds, log in rows:
                name, *files = tests.split("\n")
                place, count = name.removeprefix("shard ").split("/")
                probe_result = ProbeResult(
                    built=bool(built),
                    results=unpack_results(json.loads(results), self._known),
                    seconds=seconds,
                    log=log,
                )
                found[ShardFiles(Shard(int(place), int(count)), tuple(files))] = probe_result
        return found

    def times(self, gate: str) -> dict[str, float]:
        """Return the longest time of each file in runs of a gate, in seconds, if the format reports times."""
        known: dict[str, float] = {}
        with _translate_errors(self._path):
            for (text,) in self._db.execute("select results from results where gate = ?", (gate,)):
                for file, seconds in json.loads(text).get("times", {}).items():
                    known[file] = max(seconds, known.get(file, 0.0))
        return known

    def absorb(self, path: Path) -> int:
        """Copy the results of another ledger that this one lacks, and return their number."""
        with _translate_errors(self._path):
            before = self.size()
            self._db.execute("attach database ? as other", (str(path),))
            try:
                self._db.execute("insert or ignore into results select * from other.results")
            finally:
                self._db.execute("detach database other")
            return self.size() - before

    def size(self) -> int:
        """Return the number of stored results."""
        with _translate_errors(self._path):
            return int(self._db.execute("select count(*) from results").fetchone()[0])

    def durations(self, gate: str) -> list[tuple[str, float]]:
        """Return the tests (as in a :class:`Key`) and the seconds of all runs of a gate, in no order."""
        with _translate_errors(self._path):
            rows = self._db.execute("select tests, seconds from results where gate = ?", (gate,))
            return [(tests, float(seconds)) for tests, seconds in rows]

    def histories(self, head: str, gate: str, tests: Iterable[TestId]) -> dict[TestId, RunHistory]:
        """Return what earlier runs of a gate (whatever its command was then) say about ``tests``.

        A history is computed once for each ``head``, a tree, and kept. Otherwise the search's own probes would change
        it, and a day that is repeated or interrupted would take another course.
        """
        with _translate_errors(self._path):
            return kept_histories(self._db, head, gate, tuple(tests))

    def forget(self, *, keep_passes: bool, keep_tree: str = "") -> None:
        """Delete all results; with ``keep_passes`` only those that have a failure and are not of ``keep_tree``."""
        with _translate_errors(self._path):
            if keep_passes:
                failed = "not built or json_array_length(results, '$.failures') > 0"
                self._db.execute(f"delete from results where tree != ? and ({failed})", (keep_tree,))  # noqa: S608
            else:
                self._db.execute("delete from results")
                self._db.execute("delete from histories")

    def forget_unmeasured(self, tree: str) -> None:
        """Delete a tree's results that were not built or did not come to their end: these probes run again."""
        with _translate_errors(self._path):
            self._db.execute(
                "delete from results where tree = ? and (not built or json_extract(results, '$.trouble') != '')",
                (tree,),
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _upgrade(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables; drop those of an older format, and refuse a newer one."""
    version = db.execute("pragma user_version").fetchone()[0]
    if version > _VERSION:
        raise InfrastructureError(
            f"{path} was written by a newer Integrand (format {version}, this one knows {_VERSION}): "
            "update, or take another folder with --state DIR."
        )
    if version < _VERSION:
        older = "drop table if exists results; drop table if exists histories;"
        db.executescript(f"begin; {older} {_TABLES} pragma user_version = {_VERSION}; commit;")
    db.execute(HISTORIES_TABLE)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError, LookupError, TypeError) as error:  # all but the first: damaged content
        raise InfrastructureError(
            f"The ledger {path} failed: {error}. Make room or move the file away, then run again."
        ) from None
