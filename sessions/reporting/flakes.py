"""What the ledger and the run records of many days say about each flaky test."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sessions.gates.flake_statistics import is_by_chance, rate_interval, rate_where_mixed, runs_to_see
from sessions.gates.results import Presence, TestId
from sessions.gates.run_history import RunCounts
from sessions.gates.seeds import seed_of
from sessions.ledger.record import Record
from sessions.ledger.stored_runs import StoredRun, read_runs
from sessions.reporting.flake_origin import FlakeOrigin, OriginSearch, RunEnding, TestRun, find_flake_origin
from sessions.reporting.tree_contents import KnownTrees

# Seeds of the newest failures that are named.
_SEEDS = 5
_ENDINGS = {Presence.FAILED: RunEnding.FAILED, Presence.PASSED: RunEnding.PASSED}

Gated = tuple[str, TestId]


@dataclass(frozen=True, kw_only=True)
class FlakeFile:
    """What is known about one flaky test.

    ``fails`` of ``runs`` failed, where only runs count that contain what made the test flaky. The rate lies between
    ``low`` and ``high`` with a confidence of 95 %, whichever of the credible origins is the true one. Dates are those
    of days; empty if no record names the runs.
    ``seeds`` are those of its newest failures, ``message`` is that of the last one. ``passes_since`` are the runs on
    later days than the last failure.
    """

    gate: str
    test: TestId
    fails: int
    runs: int
    low: float
    high: float
    first_failed: str
    last_failed: str
    last_run: str
    origin: OriginSearch
    seeds: tuple[int, ...]
    message: str
    passes_since: int

    @property
    def is_steady(self) -> bool:
        """Whether it passed so often since its last failure that a flaky test would have failed with 95 %.

        Its rate is taken to be the lowest that is credible by the runs up to that failure.
        """
        low, _ = rate_interval(self.fails, max(self.runs - self.passes_since, self.fails))
        return self.passes_since >= runs_to_see(low)

    @property
    def rate(self) -> float:
        """The share of runs that failed."""
        return self.fails / self.runs


@dataclass(kw_only=True)
class _Collected:
    """All runs of one test, with the place of each failure: its date, tree and attempt."""

    runs: list[TestRun] = field(default_factory=list)
    missing: list[TestRun] = field(default_factory=list)
    failures: list[tuple[str, str, int]] = field(default_factory=list)
    message: tuple[str, str] = ("", "")

    def add(self, stored: StoredRun, test: TestId, trees: KnownTrees) -> None:
        """Add a run, if it says how the test ended."""
        date, contents = trees.date_of(stored.log, stored.tree), trees.contents.get(stored.tree)
        tree, presence = f"{stored.tree} {stored.environment}", stored.tests[test]
        if presence in _ENDINGS:
            self.runs.append(TestRun(tree=tree, ending=_ENDINGS[presence], date=date, contents=contents))
        elif presence is Presence.ABSENT and stored.is_whole:
            self.missing.append(TestRun(tree=tree, ending=RunEnding.MISSING, date=date, contents=contents))
        if presence is Presence.FAILED:
            self.failures.append((date, stored.tree, stored.attempt))
            self.message = max(self.message, (date, stored.messages.get(test, "")))


def find_flakes(ledger: Path, records: Sequence[Record], foreign: Collection[str] = ()) -> list[FlakeFile]:
    """Return the tests that failed and passed on the same tree, the most frequent failure first.

    ``records`` are those of all days, the oldest first. Runs on ``foreign`` trees do not count: a release line knows
    nothing of those that only others tested. Raises :class:`InfrastructureError` if the ledger cannot be read.
    """
    trees = KnownTrees.of(records)
    collected: dict[Gated, _Collected] = {}
    for stored in (each for each in read_runs(ledger) if each.tree not in foreign):
        for test in stored.tests:
            collected.setdefault((stored.gate, test), _Collected()).add(stored, test, trees)
    breakages = _breakages(records)
    found = (_describe(gated, each, breakages.get(gated, []), trees.merged_from) for gated, each in collected.items())
    return sorted((each for each in found if each), key=lambda each: (-each.rate, each.gate, each.test))


def _breakages(records: Iterable[Record]) -> dict[Gated, list[frozenset[int]]]:
    """Return, for each test, the sets of tickets that were found to break it."""
    breakages: dict[Gated, list[frozenset[int]]] = {}
    for record in records:
        for ticket in record.tickets:
            for broke in ticket.broke:
                breakages.setdefault((broke.gate, broke.test), []).append(frozenset({ticket.number, *broke.with_}))
    return breakages


def _describe(
    gated: Gated, collected: _Collected, breakages: Sequence[frozenset[int]], merged_from: Mapping[int, int]
) -> FlakeFile | None:
    runs = list(_without_breakage(collected.runs, breakages))
    if not any(run.ending is RunEnding.FAILED for run in runs):
        return None
    first = min((run.date for run in runs if run.date), default="")
    origin = find_flake_origin([*runs, *(run for run in collected.missing if run.date <= first)], merged_from)
    fails, total = _count(runs, origin.best)
    # Which runs count depends on the origin: without one that is known, the rate lies within the limits of any.
    limits = [
        rate_interval(*counts)
        for counts in {_count(runs, each) for each in (origin.best, *origin.credible)}
        if counts[1]
    ]
    dates = [run.date for run in runs if run.ending is RunEnding.FAILED]
    newest = sorted(collected.failures, reverse=True)[:_SEEDS]
    return FlakeFile(
        gate=gated[0],
        test=gated[1],
        fails=fails,
        runs=total,
        low=min(low for low, _ in limits),
        high=max(high for _, high in limits),
        first_failed=min(filter(None, dates), default=""),
        last_failed=max(dates),
        last_run=max(run.date for run in runs),
        origin=origin,
        seeds=tuple(seed_of(tree, attempt) for _, tree, attempt in newest),
        message=collected.message[1],
        passes_since=sum(bool(run.date) and run.date > max(dates) for run in runs),
    )


def _count(runs: Sequence[TestRun], origin: FlakeOrigin) -> tuple[int, int]:
    """Return how many runs failed of those on trees that contain the origin, and how many those are."""
    flaky = [run for run in runs if origin.is_start or (run.contents and origin.is_in(run.contents))]
    return sum(run.ending is RunEnding.FAILED for run in flaky), len(flaky)


def _without_breakage(runs: Sequence[TestRun], breakages: Sequence[frozenset[int]]) -> Iterator[TestRun]:
    """Yield the runs of a flaky test without those on trees that break it; none if it is not flaky.

    A tree on which it never passed breaks it if a ticket was found to do so which breaks it wherever it is, or if it
    failed there more often in a row than chance explains.
    """
    counts: dict[str, RunCounts] = {}
    contents = {run.tree: run.contents for run in runs}
    for run in runs:
        failed = run.ending is RunEnding.FAILED
        counts[run.tree] = counts.get(run.tree, RunCounts()) + RunCounts(fails=failed, passes=not failed)
    rate = rate_where_mixed(counts.values())
    if not rate:
        return

    def tickets_of(tree: str) -> frozenset[int]:
        known = contents[tree]
        return known.tickets if known else frozenset()

    passing = [tickets_of(tree) for tree, count in counts.items() if count.passes]
    always = [breakage for breakage in breakages if not any(breakage <= tickets for tickets in passing)]
    for run in runs:
        is_broken = not counts[run.tree].passes and any(each <= tickets_of(run.tree) for each in always)
        if not is_broken and is_by_chance(counts[run.tree], rate):
            yield run
