"""Part a gate's files among machines, beside what is usual.

    nox -s bench -- shards --machines 2,4,8,16

Each day has files with the times of one kind of project, and several machines; what counts is when the last machine
is done (the makespan), divided by what no way of parting can beat: the longest file, or an equal share of all.

* Integrand: ``sessions.gates.shards.balance`` with the times of the day before, which are not those of today: each
  file's time differs by ``--drift`` (a factor whose logarithm has that standard deviation);
* round robin: the first file to the first machine, the second to the second, and so on, by name;
* by name: the sorted list cut into pieces of equally many files.

The kinds: ``sage`` has 3,000 files, half of them under a second and a few of minutes (log-normal, sigma 1.5), where
files of one folder take alike; ``tail`` has 400 with a Pareto tail; ``even`` has 200 that take about the same;
``few`` has 24, as small projects have.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, several, status, up_to
from sessions.gates.shards import balance
from sessions.settings.options import at_least

Times = Mapping[str, float]
Shards = Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    days: int
    machines: tuple[int, ...]
    drift: float
    seed: int
    json: Path | None


def _sage(draw: random.Random) -> dict[str, float]:
    folders = {f"src/sage/{at:02}": draw.gauss(0, 0.7) for at in range(60)}
    return {
        f"{folder}/{at:02}.py": draw.lognormvariate(-0.3 + habit, 1.5)
        for folder, habit in folders.items()
        for at in range(50)
    }


def _each(count: int, seconds: Callable[[], float]) -> dict[str, float]:
    return {f"test_{at:03}.py": seconds() for at in range(count)}


KINDS: dict[str, Callable[[random.Random], dict[str, float]]] = {
    "sage": _sage,
    "tail": lambda draw: _each(400, lambda: draw.paretovariate(1.5)),
    "even": lambda draw: _each(200, lambda: draw.uniform(0.8, 1.2)),
    "few": lambda draw: _each(24, lambda: draw.lognormvariate(0, 1)),
}


def integrand(before: Times, count: int) -> Shards:
    """Longest processing time first."""
    return balance(before, sorted(before), count)


def round_robin(before: Times, count: int) -> Shards:
    """As cards are dealt."""
    return [sorted(before)[at::count] for at in range(count)]


def by_name(before: Times, count: int) -> Shards:
    """Cut into pieces."""
    files = sorted(before)
    return [files[len(files) * at // count : len(files) * (at + 1) // count] for at in range(count)]


PARTIES: dict[str, Callable[[Times, int], Shards]] = {
    "Integrand": integrand,
    "round robin": round_robin,
    "by name": by_name,
}


def stretch(shards: Shards, times: Times) -> float:
    """Return the makespan over the bound that none can beat: 1 is perfect."""
    bound = max(*times.values(), sum(times.values()) / len(shards))
    return max(sum(times[file] for file in shard) for shard in shards) / bound


def measure(kind: str, count: int, options: Options) -> dict[str, dict[str, float]]:
    """Return all parties on all days: with yesterday's times exactly, and with times that drifted since."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PARTIES}
    for day in range(options.days):
        draw = random.Random(f"{kind} {options.seed + day}")  # noqa: S311
        before = KINDS[kind](draw)
        today = {file: seconds * draw.lognormvariate(0, options.drift) for file, seconds in before.items()}
        for name, part in PARTIES.items():
            shards = part(before, count)
            found[name].append((stretch(shards, before), stretch(shards, today)))
    return {name: _summary(pairs) for name, pairs in found.items()}


def _summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    exact, drifted = ([each[at] for each in pairs] for at in (0, 1))
    figures = {"median": statistics.median(exact), "worst": max(exact), "drifted_median": statistics.median(drifted)}
    return {name: round(value, 4) for name, value in figures.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    rows = [(kind, count, measure(kind, count, options)) for kind in KINDS for count in options.machines]
    table = Table(title=f"Makespan over the bound, {options.days} days", title_justify="left")
    for column in ("files", "machines", "", "median", "worst", "drifted"):
        table.add_column(column, justify="right" if column in ("machines", "median", "worst", "drifted") else "left")
    for kind, count, parties in rows:
        for name, figures in parties.items():
            table.add_row(kind, str(count), name, *(f"{value:.3f}" for value in figures.values()))
    Console().print(table)
    if options.json:
        measured = {key: value for key, value in asdict(options).items() if key != "json"}
        cases = [{"kind": kind, "machines": count, "parties": parties} for kind, count, parties in rows]
        options.json.write_text(json.dumps({**measured, "cases": cases}, indent=2) + "\n", encoding="utf-8")


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "Part a gate's files among machines, beside round robin and cutting the list."
    parser = bench_parser("shards", about)
    parser.add_argument("--days", type=at_least(1), default=30, metavar="N", help="days of each kind (30)")
    parser.add_argument(
        "--machines", type=several(at_least(1)), default=(2, 4, 8, 16), metavar="N,N", help="how many (2,4,8,16)"
    )
    parser.add_argument("--drift", type=up_to(2), default=0.2, metavar="SIGMA", help="how times change in a day (0.2)")
    parser.add_argument("--seed", type=at_least(1), default=1, metavar="N", help="the first day (1)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
