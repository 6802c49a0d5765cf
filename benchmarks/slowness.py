"""Judge simulated test files: how many slower ones are found, with whom, how many steady ones are called slower.

    nox -s bench -- slowness --files 1000 --days 10

First, the noise of this machine is measured: a small computation runs again and again in processes of its own. The
simulated durations are those of runs that followed each other, with a factor; ``sessions.culprits.slowness`` decides.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import fmean, median, stdev

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, status, up_to, write_figures
from sessions.culprits.slowness import Pace, Versus, find_slowing, is_suspect, judge_pace, measure_slowdown
from sessions.settings.options import at_least

_WORK = "sum(i * i for i in range(4_000_000))"
_SLOWER = 1.3
_TICKETS = 30
# How many of 30 tickets together make a file slower, and how much.
_CASES = ((1, 1.3), (1, 2.0), (2, 1.3), (2, 2.0))


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed; ``spread`` is the noise of a duration's logarithm if it is not to be measured."""

    files: int
    days: int
    searches: int
    runs: int
    spread: float
    seed: int
    json: Path | None


@dataclass(kw_only=True)
class Machine:
    """Draws durations: ``logs`` are logarithms of durations that were measured one after the other."""

    logs: Sequence[float]
    draw: random.Random
    runs: int = 0

    def pair(self, ratio: float) -> float:
        """Return the logarithm of the ratio of two runs that follow each other."""
        place = self.draw.randrange(len(self.logs) - 1)
        self.runs += 2
        return log(ratio) + (self.logs[place + 1] - self.logs[place]) * self.draw.choice((-1, 1))

    def is_suspect(self, ratio: float) -> bool:
        """Whether runs of a file of about a second, at any two times, give a reason to run pairs."""
        release, head = (exp(self.draw.choice(self.logs) - median(self.logs)) for _ in range(2))
        return is_suspect(release, head * ratio, 1.0)

    def judge(self, ratio: float) -> tuple[Pace, list[float]]:
        """Judge a file that takes ``ratio`` times as long."""
        logs: list[float] = []
        while (pace := judge_pace(logs, _SLOWER)) is None:
            logs.append(self.pair(ratio))
        return pace, logs

    def search(self, cause: frozenset[int], ratio: float) -> tuple[int, ...]:
        """Search the tickets that make a file slower, with the answers that pairs give."""
        finding = find_slowing(range(_TICKETS), frozenset)
        known: dict[Versus, Pace] = {}
        try:
            question = next(finding)
            while True:
                is_slower = cause <= question.with_ and not cause <= question.without
                if question not in known:
                    known[question] = self.judge(ratio if is_slower else 1.0)[0]
                question = finding.send(known[question])
        except StopIteration as end:
            found: tuple[int, ...] = end.value
            return found


def measure_noise(runs: int) -> list[float]:
    """Return the logarithms of the durations, in seconds, of a computation that runs again and again."""
    logs = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", _WORK], check=True)
        logs.append(log(time.perf_counter() - begin))
    return logs


def judge_files(machine: Machine, ratio: float, files: int) -> dict[str, float]:
    """Return what happens to files that take ``ratio`` times as long."""
    suspects = [machine.is_suspect(ratio) for _ in range(files)]
    judged = [machine.judge(ratio) for suspect in suspects if suspect]
    found = [measure_slowdown(logs) for pace, logs in judged if pace is Pace.SLOWER]
    return {
        "ratio": ratio,
        "suspected": fmean(suspects),
        "slower": len(found),
        "share": len(found) / files,
        "unclear": sum(pace is Pace.UNCLEAR for pace, _ in judged) / files,
        "within": fmean(each.low <= ratio <= each.high for each in found) if found else 1.0,
        "pairs": fmean(len(logs) for _, logs in judged) if judged else 0.0,
    }


def search_tickets(machine: Machine, count: int, ratio: float, searches: int) -> dict[str, float]:
    """Return how often the right tickets are found on a head that is known to be slower."""
    right = wrong = 0
    machine.runs = 0
    for _ in range(searches):
        cause = frozenset(machine.draw.sample(range(_TICKETS), count))
        found = machine.search(cause, ratio)
        right += frozenset(found) == cause
        wrong += bool(found) and frozenset(found) != cause
    shares = {"right": right / searches, "wrong": wrong / searches, "runs": machine.runs / searches}
    return {"tickets": count, "ratio": ratio, **shares}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    draw = random.Random(options.seed)  # noqa: S311
    logs = (
        [draw.gauss(0, options.spread) for _ in range(options.runs)] if options.spread else measure_noise(options.runs)
    )
    machine = Machine(logs=logs, draw=draw)
    noise = stdev(after - before for before, after in pairwise(logs))
    files = [judge_files(machine, 1.0, options.files * options.days)]
    files += [judge_files(machine, ratio, options.files) for ratio in (1.1, 1.3, 1.5, 2.0)]
    searches = [search_tickets(machine, count, ratio, options.searches) for count, ratio in _CASES]
    Console().print(f"{len(logs)} runs of {exp(median(logs)):.2f} s; spread of a pair: {noise:.3f}")
    _print("times as long", files, ("suspected", "slower", "share", "unclear", "within", "pairs"))
    _print("times as long", searches, ("tickets", "right", "wrong", "runs"))
    write_figures(options.json, {"noise": noise, "files": files, "searches": searches})


def _print(first: str, rows: Sequence[dict[str, float]], columns: Sequence[str]) -> None:
    table = Table(first, *columns)
    for row in rows:
        table.add_row(f"{row['ratio']:g}", *(f"{row[name]:.4g}" for name in columns))
    Console().print(table)


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("slowness", "Judge simulated test files: how many slower ones are found, and by whom.")
    parser.add_argument("--files", type=at_least(1), default=1000, metavar="N", help="files a day (1000)")
    parser.add_argument("--days", type=at_least(1), default=10, metavar="N", help="days without a slowdown (10)")
    parser.add_argument("--searches", type=at_least(1), default=200, metavar="N", help="searches of each kind (200)")
    parser.add_argument("--runs", type=at_least(10), default=120, metavar="N", help="runs that measure the noise (120)")
    parser.add_argument(
        "--spread", type=up_to(10), default=0.0, metavar="X", help="spread of a run, instead of the machine's own"
    )
    parser.add_argument("--seed", type=at_least(1), default=1, metavar="N", help="of all that is drawn (1)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
