"""Simulate a project's days with flaky and steady tests, and write their runs into a ledger and records.

A day runs all tests on the head, and once on each release. What fails anew on the head runs again there and on the
release, as the flake check does; what seems new is searched on smaller candidates. Tickets come and are merged into a
release, are given up, and are kept out on some days.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from sessions.culprits.evidence import is_new
from sessions.gates.results import Failure, Results, TestId
from sessions.gates.run_history import RunCounts, RunHistory
from sessions.ledger.ledger import Key, Ledger, ProbeResult
from sessions.ledger.record import Purpose, Record, RecordedBreakage, RecordedProbe, RecordedTicket
from sessions.ledger.record_file import parse_record
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day

PLAIN = parse_record(big_day(2))
START = dt.date(2026, 1, 1)


@dataclass(frozen=True, kw_only=True)
class SimulatedTest:
    """A test that fails at ``rate`` where a tree contains ``origin`` (0: everywhere), and never elsewhere."""

    id: TestId
    rate: float
    origin: int = 0
    brought: bool = False  # it does not exist without its origin


@dataclass(frozen=True)
class Tree:
    """The tickets of a candidate, and those that its release contains."""

    release: int
    merged: frozenset[int]
    tickets: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        return hashlib.sha1(repr((self.release, self.tickets)).encode(), usedforsecurity=False).hexdigest()

    def has(self, ticket: int) -> bool:
        return not ticket or ticket in self.tickets or ticket in self.merged


@dataclass(kw_only=True)
class Simulation:
    """A number of ``days``, each with ``fresh`` new tickets and a release every ten days."""

    seed: int
    tests: int
    days: int
    folder: Path
    fresh: int = 4
    chance: random.Random = field(init=False)
    all_tests: list[SimulatedTest] = field(init=False)
    probes: list[RecordedProbe] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311
        self.all_tests = [self._make(number) for number in range(self.tests)]

    @property
    def flaky(self) -> dict[TestId, SimulatedTest]:
        return {each.id: each for each in self.all_tests if 0 < each.rate < 1}

    def _make(self, number: int) -> SimulatedTest:
        """A third is flaky, half of those by a ticket; of the others, some are broken on purpose."""
        test = TestId(f"tests/test_{number}.py", "works")
        ticket = self.chance.randrange(5 * self.fresh, self.days * self.fresh * 3 // 4)
        match number % 12:
            case 0 | 1:
                return SimulatedTest(id=test, rate=self._rate())
            case 2:
                return SimulatedTest(id=test, rate=self._rate(), origin=ticket)
            case 3:
                return SimulatedTest(id=test, rate=self._rate(), origin=ticket, brought=True)
            case 4:
                return SimulatedTest(id=test, rate=1.0)
            case 5:
                return SimulatedTest(id=test, rate=1.0, origin=ticket)
            case _:
                return SimulatedTest(id=test, rate=0.0)

    def _rate(self) -> float:
        return float(0.001 * 600 ** self.chance.random())

    def run(self) -> None:
        """Simulate all days."""
        with closing(Ledger(self.folder / "ledger.sqlite")) as self.ledger:
            merged, queue, release = frozenset[int](), set[int](), Tree(0, frozenset())
            for day in range(self.days):
                if day and day % 10 == 0:
                    gone = {each for each in queue if self.chance.random() < 0.6}
                    merged |= frozenset(each for each in gone if self.chance.random() < 0.8)
                    queue, release = queue - gone, Tree(day // 10, merged)
                queue |= set(range(day * self.fresh + 1, (day + 1) * self.fresh + 1))
                self._day(day, release, sorted(queue))

    def _day(self, day: int, release: Tree, queue: list[int]) -> None:
        self.probes = []
        known = self._look(release, 1, None, Purpose.RELEASE)
        out, ready = dict[int, TestId](), [each for each in queue if self.chance.random() < 0.9]
        while True:
            head = replace(release, tickets=tuple(each for each in ready if each not in out))
            failed = self._look(head, 1, None, Purpose.HEAD) - known
            new = self._look_again(head, release, failed)
            broken = {each.origin: each.id for each in self.all_tests if each.rate == 1 and each.id in new}
            self._search(head, new)
            if not broken:
                break
            out |= broken
        tickets = [self._ticket(number, out, number in head.tickets) for number in queue]
        date = (START + dt.timedelta(days=day)).isoformat()
        release_id = f"{release.release}"
        self.records.append(
            replace(
                PLAIN,
                date=date,
                release=release_id,
                base=release.id,
                tickets=tuple(tickets),
                probes=tuple(self.probes),
            )
        )

    def _look_again(self, head: Tree, release: Tree, failed: set[TestId]) -> set[TestId]:
        counts = {test: [RunCounts(fails=1), RunCounts(passes=1)] for test in failed}
        new, attempt, unclear = set[TestId](), 2, failed
        while unclear:
            on_head, on_release = (
                self._look(tree, attempt, unclear, Purpose.FLAKES, attempt_base=1000) for tree in (head, release)
            )
            for test in unclear:
                for place, fails in enumerate((test in on_head, test in on_release)):
                    counts[test][place] += RunCounts(fails=fails, passes=not fails)
            judged = {test: is_new(counts[test][0], counts[test][1], RunHistory()) for test in unclear}
            new |= {test for test, each in judged.items() if each}
            unclear = {test for test, each in judged.items() if each is None}
            attempt += 1
        return new

    def _search(self, head: Tree, new: set[TestId]) -> None:
        """Run what is new on some subsets of the head, twice each."""
        for _ in range(4 if new else 0):
            part = replace(head, tickets=tuple(each for each in head.tickets if self.chance.random() < 0.5))
            for attempt in (1, 2):
                self._look(part, attempt, new, Purpose.SEARCH)

    def _look(
        self, tree: Tree, attempt: int, tests: Iterable[TestId] | None, purpose: Purpose, attempt_base: int = 0
    ) -> set[TestId]:
        """Run tests on a tree, or find what they did there; return those that failed."""
        files = None if tests is None else "\n".join(sorted(test.file for test in tests))
        key = Key(tree=tree.id, image="i", gate="g@0", tests=files or "*", attempt=attempt + attempt_base)
        found = self.ledger.find(key)
        log = f"logs/{hashlib.sha1(repr(key).encode(), usedforsecurity=False).hexdigest()}"
        if not found:
            found = ProbeResult(built=True, results=self._results(tree, files), seconds=1.0, log=log)
            self.ledger.write(key, found)
        self.probes.append(_probe(tree, purpose, log, attempt))
        return {failure.test for failure in found.results.failures}

    def _results(self, tree: Tree, files: str | None) -> Results:
        selected = None if files is None else set(files.split("\n"))
        chosen = [each for each in self._existing(tree) if selected is None or each.id.file in selected]
        failed = {each.id for each in chosen if tree.has(each.origin) and self.chance.random() < each.rate}
        return Results(
            gate="g",
            failures=tuple(Failure(test=test, message=f"E  {test}") for test in sorted(failed)),
            passed=tuple(sorted(each.id for each in chosen if each.id not in failed)),
        )

    def _existing(self, tree: Tree) -> Iterator[SimulatedTest]:
        return (each for each in self.all_tests if not each.brought or tree.has(each.origin))

    def _ticket(self, number: int, out: dict[int, TestId], is_in: bool) -> RecordedTicket:
        broke: tuple[RecordedBreakage, ...] = ()
        verdict = Verdict.INTEGRATED if is_in else Verdict.CONFLICT
        if number in out:
            verdict = Verdict.CULPRIT
            broke = (RecordedBreakage(gate="g", test=out[number], with_=(), message="", evidence=(), reproduce=""),)
        return replace(PLAIN.tickets[0], number=number, verdict=verdict, broke=broke)


def _probe(tree: Tree, purpose: Purpose, log: str, attempt: int) -> RecordedProbe:
    return RecordedProbe(
        gate="g",
        why="",
        purpose=purpose,
        tree=tree.id,
        tickets=tree.tickets,
        files=None,
        attempt=attempt,
        failures=0,
        seconds=1.0,
        log=log,
    )
