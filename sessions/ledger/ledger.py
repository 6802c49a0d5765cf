"""What is known so far, in SQLite: a result belongs to (tree, image, gate, tests, attempt), not to a run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sessions.gates.results import Presence, Results, TestId
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.gates.shards import Shard, ShardFiles
from sessions.ledger.packing import pack_results, unpack_results
from sessions.terminal.errors import InfrastructureError

# 2: results say which tests passed. What an older Integrand wrote does not, and cannot be judged by.
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

# Came later: ledgers of the same version may lack it.
_HISTORIES = """
create table if not exists histories (
    head text not null,
    gate text not null,
    test text not null,
    told text not null,
    primary key (head, gate, test)
) without rowid
"""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What was asked. ``tests`` are files, one a line, or ``*`` for all that the gate has."""

    tree: str
    image: str
    gate: str
    tests: str = "*"
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What was seen: ``results``, unless the build failed; how long it took; and the log's file name."""

    built: bool
    results: Results
    seconds: float
    log: str


class Ledger:
    """The ledger of one state folder. Every write is one transaction: it is there whole, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors_translated():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._check_version()
            self._db.execute("pragma journal_mode = wal")

    def find(self, key: Key) -> ProbeResult | None:
        """What is known about ``key``."""
        with self._errors_translated():
            row = self._db.execute(
                "select built, results, seconds, log from results "
                "where tree = ? and image = ? and gate = ? and tests = ? and attempt = ?",
                (key.tree, key.image, key.gate, key.tests, key.attempt),
            ).fetchone()
            if row is None:
                return None
            return ProbeResult(
                built=bool(row[0]), results=unpack_results(json.loads(row[1])), seconds=row[2], log=row[3]
            )

    def write(self, key: Key, probe_result: ProbeResult) -> None:
        """Keep a reading."""
        with self._errors_translated():
            self._db.execute(
                "insert or replace into results values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key.tree, key.image, key.gate, key.tests, key.attempt, probe_result.built),
                    *(json.dumps(pack_results(probe_result.results)), probe_result.seconds, probe_result.log),
                ),
            )

    def shards(self, key: Key) -> dict[ShardFiles, ProbeResult]:
        """What is known of parts of the gate that ``key`` asks for as a whole, by place, number and files."""
        with self._errors_translated():
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
                    built=bool(built), results=unpack_results(json.loads(results)), seconds=seconds, log=log
                )
                found[ShardFiles(Shard(int(place), int(count)), tuple(files))] = probe_result
        return found

    def times(self, gate: str) -> dict[str, float]:
        """The longest that each file took in runs of a gate, in seconds; only those that a format told."""
        known: dict[str, float] = {}
        with self._errors_translated():
            for (text,) in self._db.execute("select results from results where gate = ?", (gate,)):
                for file, seconds in json.loads(text).get("times", {}).items():
                    known[file] = max(seconds, known.get(file, 0.0))
        return known

    def absorb(self, path: Path) -> int:
        """Take in all readings of another ledger that are not here; how many they were."""
        with self._errors_translated():
            before = self.size()
            self._db.execute("attach database ? as other", (str(path),))
            try:
                self._db.execute("insert or ignore into results select * from other.results")
            finally:
                self._db.execute("detach database other")
            return self.size() - before

    def size(self) -> int:
        """How many readings it holds."""
        with self._errors_translated():
            return int(self._db.execute("select count(*) from results").fetchone()[0])

    def usual_seconds(self, gate: str, *, whole: bool) -> float | None:
        """The longest that a run of a gate took so far: of all its tests, or of some."""
        with self._errors_translated():
            row = self._db.execute(
                "select max(seconds) from results where gate = ? and (tests = '*') = ?", (gate, whole)
            ).fetchone()
        return None if row[0] is None else float(row[0])

    def histories(self, head: str, gate: str, tests: Iterable[TestId]) -> dict[TestId, RunHistory]:
        """What earlier runs of a gate (whatever its command was then) told of ``tests``.

        It is looked up once for a ``head``, a tree, and then kept for it: else the search's own probes would change it,
        and a day that is told again, or that is the same tomorrow, would go another way.
        """
        tests = tuple(tests)
        with self._errors_translated():
            kept = dict(self._db.execute("select test, told from histories where head = ? and gate = ?", (head, gate)))
            names = {test: json.dumps(asdict(test)) for test in tests}
            fresh = [test for test in tests if names[test] not in kept]
            looked_up = self._look_up(gate, fresh) if fresh else {}
            rows = [(head, gate, names[test], json.dumps(asdict(history))) for test, history in looked_up.items()]
            self._db.executemany("insert into histories values (?, ?, ?, ?)", rows)
            return looked_up | {
                test: RunHistory(**json.loads(kept[names[test]])) for test in tests if names[test] in kept
            }

    def _look_up(self, gate: str, tests: Sequence[TestId]) -> dict[TestId, RunHistory]:
        """Runs of one tree that differ are odd ones; a tree on which a test only failed tells nothing of chance."""
        rows = self._db.execute(
            # Shards are told as the whole that they are parts of, and must not count twice.
            "select tree, image, results from results "
            "where built and substr(gate, 1, ?) = ? and tests not like 'shard %'",
            (len(gate) + 1, f"{gate}@"),
        )
        seen: dict[TestId, dict[tuple[str, str], RunCounts]] = {test: {} for test in tests}
        for tree, image, results in rows:
            found = unpack_results(json.loads(results))
            for test, trees in seen.items():
                presence = found.presence(test)
                run = RunCounts(fails=presence is Presence.FAILED, passes=presence is Presence.PASSED)
                trees[tree, image] = trees.get((tree, image), RunCounts()) + run
        return {test: _history(trees.values()) for test, trees in seen.items()}

    def forget(self, *, keep_passes: bool, keep_tree: str = "") -> None:
        """Forget all results, or those with a failure that are not of ``keep_tree``."""
        with self._errors_translated():
            if keep_passes:
                failed = "not built or json_array_length(results, '$.failures') > 0"
                self._db.execute(f"delete from results where tree != ? and ({failed})", (keep_tree,))  # noqa: S608
            else:
                self._db.execute("delete from results")
                self._db.execute("delete from histories")

    def forget_unmeasured(self, tree: str) -> None:
        """Forget the runs on a tree that did not account for their end, for whoever mends what was wrong with them."""
        with self._errors_translated():
            self._db.execute(
                "delete from results where tree = ? and (not built or json_extract(results, '$.trouble') != '')",
                (tree,),
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check_version(self) -> None:
        version = self._db.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise InfrastructureError(
                f"{self._path} was written by a newer Integrand (format {version}, this one knows {_VERSION}): "
                "update, or take another folder with --state DIR."
            )
        if version < _VERSION:
            older = "drop table if exists results; drop table if exists histories;"
            self._db.executescript(f"begin; {older} {_TABLES} pragma user_version = {_VERSION}; commit;")
        self._db.execute(_HISTORIES)

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, LookupError, TypeError) as error:  # the latter: spoilt on the disk
            raise InfrastructureError(
                f"The ledger {self._path} failed: {error}. Make room or move the file away, then run again."
            ) from None


def _history(trees: Iterable[RunCounts]) -> RunHistory:
    with_passes = [counts for counts in trees if counts.passes]
    return RunHistory(
        runs=sum(counts.total for counts in with_passes), odd=sum(counts.minority for counts in with_passes)
    )
