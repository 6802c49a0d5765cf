"""Try which tickets of a day clash with which, each pair on the release, beside one process a merge.

    nox -s bench -- pairs --repository sage.git --from 9.5 --to 9.6.beta2 --limit 40

The tickets are those of ``bench -- merges``; 40 of them are 780 pairs. For each pair (A, B) the question is whether B
merges onto the release with A. All parties answer it for all pairs, each in a clone of its own:

* Integrand: ``sessions.source.merging.Merger``, one git process for all, and only for those pairs that touch a file
  in common: the others cannot clash, but where one moves a folder into which the other puts something (the last line
  tells how many such there were); finding out who touches what is timed, too;
* every pair merged: the same, for all pairs;
* one process a merge: ``git merge-tree --write-tree`` with the same commits for all pairs; what writes the release
  with A is Integrand's own, and not timed.

``cpu`` is what git and Python computed for it, which tells more than ``seconds`` on a machine that others use.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, folder, status, write_figures
from benchmarks.history import WHO, History, Step, read_history
from benchmarks.parties import clone, run
from sessions.settings.options import at_least
from sessions.source.conflicts import Clash
from sessions.source.merging import Candidate, Merger
from sessions.source.overlays import touched_files
from sessions.source.repository import Repository
from sessions.tickets.model import Ticket

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    start: str
    end: str
    limit: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Which pairs clash, and what it cost to find out, in seconds."""

    pairs: int
    clashes: frozenset[Pair]
    seconds: float
    cpu: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="integrand-pairs-") as folder:
        ours, shared, plain = (
            clone(options.repository, Path(folder, f"{name}.git"), bare=True) for name in ("ours", "shared", "plain")
        )
        history = read_history(ours, options.start, options.end, options.limit)
        steps = history.merges
        everyone = list(itertools.combinations(range(len(steps)), 2))
        bills = {
            "Integrand": measure(lambda: in_one_process(shared, history, touching(shared, history))),
            "every pair merged": measure(lambda: in_one_process(ours, history, everyone)),
        }
        merger = _merger(plain, history)
        heads = [merger.merge(merger.base, _ticket(step)) for step in steps]
        bills["one process a merge"] = measure(lambda: one_process_each(plain, steps, heads, everyone))
        merger.close()
        git = ours.git("version").text
    _show(bills, git, options, len(everyone))


def measure(work: Callable[[], Mapping[Pair, bool]]) -> Bill:
    """Time some work, with all processes that it starts and ends."""
    begun, before = time.perf_counter(), _cpu()
    clean = work()
    return Bill(
        pairs=len(clean),
        clashes=frozenset(pair for pair, fits in clean.items() if not fits),
        seconds=round(time.perf_counter() - begun, 2),
        cpu=round(_cpu() - before, 2),
    )


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def in_one_process(repository: Repository, history: History, pairs: Iterable[Pair]) -> dict[Pair, bool]:
    """Return which pairs fit, by Integrand's own merger."""
    merger = _merger(repository, history)
    tickets = [_ticket(step) for step in history.merges]
    fits = {}
    for pair in pairs:
        first, second = (tickets[each] for each in pair)
        head = merger.merge(merger.base, first)
        fits[pair] = isinstance(head, Candidate) and merger.fits(head, second)
    merger.close()
    return fits


def touching(repository: Repository, history: History) -> list[Pair]:
    """Return the pairs that touch a file in common."""
    files = [touched_files(repository, history.start.commit, step.ticket) for step in history.merges]
    return [pair for pair in itertools.combinations(range(len(files)), 2) if files[pair[0]] & files[pair[1]]]


def one_process_each(
    repository: Repository, steps: Sequence[Step], heads: Sequence[Candidate | Clash], pairs: Iterable[Pair]
) -> dict[Pair, bool]:
    """Return which pairs fit, by plain git."""
    fits = {}
    for first, second in pairs:
        head, ticket = heads[first], steps[second].ticket
        arguments = ("merge-tree", "--write-tree")
        fits[first, second] = (
            isinstance(head, Candidate)
            and not run(repository.path, *arguments, head.commit, ticket, ok=(0, 1)).returncode
        )
    return fits


def _merger(repository: Repository, history: History) -> Merger:
    return Merger(repository, history.start, dt.date(2022, 1, 30), WHO)


def _ticket(step: Step) -> Ticket:
    return Ticket(number=step.number or 0, title=step.subject, commit=step.ticket)


def _show(bills: Mapping[str, Bill], git: str, options: Options, everyone: int) -> None:
    load = os.getloadavg()[0]
    table = Table(title=f"All {everyone} pairs of a day, {git}, load {load:.1f}", title_justify="left")
    for column in ("", "merged", "clash", "seconds", "cpu", "ms a pair", "ratio"):
        table.add_column(column, justify="right" if column else "left")
    ours = bills["Integrand"]
    rows = {
        name: {
            "merged": bill.pairs,
            "clash": len(bill.clashes),
            "seconds": bill.seconds,
            "cpu": bill.cpu,
            "ms": round(1000 * bill.seconds / everyone, 2),
            "ratio": round(bill.seconds / max(ours.seconds, 0.01), 2),
        }
        for name, bill in bills.items()
    }
    for name, row in rows.items():
        table.add_row(name, *map(str, row.values()))
    console = Console(highlight=False)
    console.print(table)
    every = bills["every pair merged"]
    agree = every.clashes == bills["one process a merge"].clashes
    missed = every.clashes - ours.clashes
    console.print(f"Both name {'the same' if agree else 'OTHER'} pairs; {len(missed)} clash without a file in common.")
    measured = {"git": git, "load": round(load, 1), "from": options.start, "to": options.end, "pairs": everyone}
    record = {**measured, "agree": agree, "missed": len(missed), "parties": rows}
    write_figures(options.json, record)


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "Try which tickets of a day clash with which, beside one process a merge."
    parser = bench_parser("pairs", about)
    parser.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a clone; it is only read")
    parser.add_argument("--from", dest="start", required=True, metavar="TAG", help="the release to merge into")
    parser.add_argument("--to", dest="end", required=True, metavar="TAG", help="where its history is read from")
    parser.add_argument("--limit", type=at_least(2), default=40, metavar="N", help="N tickets (40: 780 pairs)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
