"""Soak simulated tests: how many flaky ones are found, who is named for them, and how many runs that takes.

    nox -s bench -- soak --tests 2000

The runs are drawn by chance, and ``sessions.culprits.soak`` decides about them, as on a real day. Each test is in a
file of its own that one ticket adds or changes:

* new: the ticket adds it, and it fails at a rate;
* changed: it existed, and the ticket makes it fail at a rate;
* old: it existed, and failed at this rate before: naming the ticket would be wrong.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, several, status, up_to, write_figures
from sessions.culprits.soak import RUNS, JudgedFlake, SoakPlace, is_settled, judge_flake, runs_with_ticket, soak_batches
from sessions.gates.flake_source import FlakeSource
from sessions.gates.flake_statistics import rate_interval
from sessions.gates.results import Presence
from sessions.gates.run_history import RunCounts
from sessions.settings.options import at_least


class TestKind(StrEnum):
    """What a ticket does to a test."""

    __test__ = False  # not for pytest to collect

    NEW = "new"
    CHANGED = "changed"
    OLD = "old"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    tests: int
    rates: tuple[float, ...]
    seed: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """One test: whether it was seen to be flaky, what was found, and in how many runs of its file."""

    is_seen: bool
    judged: JudgedFlake | None
    runs: int


def soak_test(kind: TestKind, rate: float, draw: random.Random) -> Soaked:
    """Soak one test that fails at a rate."""

    def endings(count: int, fails_at: float) -> list[Presence]:
        return [Presence.FAILED if draw.random() < fails_at else Presence.PASSED for _ in range(count)]

    head, judged = RunCounts(), None
    for size in soak_batches(RUNS):
        if not is_settled(head):
            head += RunCounts.of(endings(size, rate))
    runs = head.total
    if head.minority:
        judging = judge_flake(runs_with_ticket(head))
        before = rate if kind is TestKind.OLD else 0.0
        try:
            place, count = next(judging)
            while True:
                runs += count
                without = [Presence.ABSENT] * count if kind is TestKind.NEW else endings(count, before)
                place, count = judging.send(endings(count, rate) if place is SoakPlace.WITH else without)
        except StopIteration as end:
            judged = end.value
    return Soaked(is_seen=bool(head.minority), judged=judged, runs=runs)


def measure(kind: TestKind, rate: float, options: Options) -> dict[str, float]:
    """Return shares and mean runs of all tests of a kind."""
    draw = random.Random(f"{kind} {rate} {options.seed}")  # noqa: S311
    soaked = [soak_test(kind, rate, draw) for _ in range(options.tests)]
    named = [each.judged for each in soaked if each.judged and each.judged.source is FlakeSource.TICKET]
    limits = [rate_interval(each.with_.fails, each.with_.total) for each in named]
    return {
        "seen": mean(each.is_seen for each in soaked),
        "named": len(named) / len(soaked),
        "within": mean(low <= rate <= high for low, high in limits) if limits else 1.0,
        "runs": mean(each.runs for each in soaked),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    cases = {(TestKind.NEW, 0.0): measure(TestKind.NEW, 0.0, options)}
    cases |= {(kind, rate / 100): measure(kind, rate / 100, options) for kind in TestKind for rate in options.rates}
    table = Table(title=f"{options.tests} tests of each kind", title_justify="left")
    for column in ("test", "fails", "seen flaky", "ticket named", "rate within its limits", "runs"):
        table.add_column(column, justify="left" if column == "test" else "right")
    for (kind, rate), figures in cases.items():
        shares = (f"{100 * figures[name]:.1f} %" for name in ("seen", "named", "within"))
        table.add_row(kind, f"{100 * rate:.3g} %", *shares, f"{figures['runs']:.0f}")
    Console().print(table)
    write_figures(options.json, {"tests": options.tests, "seed": options.seed, "cases": _listed(cases)})


def _listed(cases: Mapping[tuple[TestKind, float], Mapping[str, float]]) -> list[dict[str, object]]:
    return [{"kind": kind, "rate": rate, **figures} for (kind, rate), figures in cases.items()]


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("soak", "Soak simulated tests: how many flaky ones are found, and in how many runs.")
    parser.add_argument("--tests", type=at_least(1), default=2000, metavar="N", help="tests of each kind (2000)")
    parser.add_argument(
        "--rates", type=several(up_to(100)), default=(1.0, 5.0, 20.0, 50.0), metavar="P,P", help="in % (1,5,20,50)"
    )
    parser.add_argument("--seed", type=at_least(1), default=1, metavar="N", help="of all that is drawn (1)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
