"""What a day costs beside its gates: many tickets, gates that take no time, the local engine.

    nox -s bench -- overhead --tickets 100

A project is made in a temporary folder, with ``--files`` files and ``--tickets`` tickets that each change one of them
and add one. Then the same session is run twice, each in a process of its own, as nox runs it: the first day measures
the release, merges all tickets, and runs both gates on the head; the second, idle day finds all of that in the ledger.
Beside it, what a person would type instead: ``git merge`` of each branch in a work tree, and the gates' commands.

``seconds`` are of the wall; ``cpu`` is what the process and all that it started computed; ``MB`` is the most memory
that one process of these held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, status, write_figures
from benchmarks.parties import run
from sessions.settings.options import at_least
from sessions.terminal.errors import InfrastructureError

HOME = Path(__file__).resolve().parent.parent
SESSION = """
import sys
from pathlib import Path
from sessions.main import run_session
from sessions.integrate import integrate
sys.exit(run_session(integrate, "integrate", sys.argv[1:], Path.cwd()))
"""
_BY_HAND = """
set -e
git clone --quiet "$1" work
cd work
git checkout --quiet -b day 1.0
for number in $(seq 1 "$2"); do git merge --quiet --no-ff -m "#$number" "origin/t$number"; done
sh -c true
sh -c true
"""
_CONFIG = """
version = 1

[project]
name = "overhead"
repository = "project.git"

[tickets]
tracker = "file"
url = "tickets.toml"
milestone = ""

[engine]
kind = "local"

[[gates]]
name = "first"
run = "true"
format = "exit"

[[gates]]
name = "second"
run = "true"
format = "exit"
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    tickets: int
    files: int
    repeat: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What one process cost: seconds, and megabytes at most."""

    seconds: float
    cpu: float
    mb: float
    probes: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    bills: dict[str, list[Bill]] = {"first day": [], "idle day": [], "git merge by hand": []}
    integrated = 0
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory(prefix="integrand-overhead-") as name:
            folder = Path(name)
            make_project(folder, options.tickets, options.files)
            for day in ("first day", "idle day"):
                bill = time_process([sys.executable, "-c", SESSION, "--config", "integration.toml"], folder)
                record = json.loads((folder / ".integrand" / "latest" / "run.json").read_text(encoding="utf-8"))
                integrated = len(record["order"])
                bills[day].append(Bill(**{**vars(bill), "probes": record["timings"]["probes_run"]}))
            by_hand = ["sh", "-c", _BY_HAND, "sh", str(folder / "project.git"), str(options.tickets)]
            bills["git merge by hand"].append(time_process(by_hand, folder))
    # The least disturbed of several: on a shared machine, others can only add.
    best = {name: min(each, key=lambda bill: bill.seconds) for name, each in bills.items()}
    _show(best, integrated, options)


def make_project(folder: Path, tickets: int, files: int) -> None:
    """A repository with a release and branches, a tracker file, and a configuration."""
    repository = folder / "project.git"
    run(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(repository))
    stream = ["commit refs/heads/main\nmark :1\ncommitter t <t@t> 0 +0000\ndata 1\n.\n"]
    text = "".join(f"line {at}\n" for at in range(40))
    stream += [f"M 644 inline src/{at % 20}/{at}.txt\ndata {len(text)}\n{text}\n" for at in range(files)]
    lines = []
    for number in range(1, tickets + 1):
        ours = text + f"of ticket {number}\n"
        stream.append(
            f"commit refs/heads/t{number}\ncommitter t <t@t> {number} +0000\ndata 1\n.\nfrom :1\n"
            f"M 644 inline src/{number % files % 20}/{number % files}.txt\ndata {len(ours)}\n{ours}\n"
            f"M 644 inline new/{number}.txt\ndata {len(ours)}\n{ours}\n"
        )
        lines.append(f'[[ticket]]\nnumber = {number}\ntitle = "Ticket {number}"\nbranch = "t{number}"\n{_READY}')
    run(repository, "fast-import", "--quiet", put="".join(stream))
    run(repository, "tag", "1.0", "main")
    (folder / "tickets.toml").write_text("\n".join(lines), encoding="utf-8")
    (folder / "integration.toml").write_text(_CONFIG, encoding="utf-8")


_READY = 'labels = ["positive_review"]\n'


def time_process(command: Sequence[str], folder: Path) -> Bill:
    """Run a process, and return what it cost; raises :class:`InfrastructureError` if it fails."""
    path = os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH", ""))))
    who = {f"GIT_{role}_{key}": "t@t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **who, "PYTHONPATH": path}, stdout=out, stderr=out
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begun
        if process.returncode:
            out.seek(0)
            printed = out.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["no word of why"]
            raise InfrastructureError(f"{command[0]} ended with status {process.returncode}: {printed[0]}")
    # Linux counts this in kilobytes, macOS in bytes.
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Bill(
        seconds=round(seconds, 2), cpu=round(used.ru_utime + used.ru_stime, 2), mb=round(used.ru_maxrss / unit, 1)
    )


def _show(best: Mapping[str, Bill], integrated: int, options: Options) -> None:
    load = os.getloadavg()[0]
    title = f"{integrated} of {options.tickets} tickets, best of {options.repeat}, load {load:.1f}"
    table = Table(title=title, title_justify="left")
    for column in ("", "seconds", "cpu", "MB", "probes"):
        table.add_column(column, justify="right" if column else "left")
    for name, bill in best.items():
        probes = "" if name == "git merge by hand" else str(bill.probes)
        table.add_row(name, f"{bill.seconds:.2f}", f"{bill.cpu:.2f}", f"{bill.mb:.0f}", probes)
    Console(highlight=False).print(table)
    measured = {"tickets": options.tickets, "files": options.files, "integrated": integrated, "load": round(load, 1)}
    record = {**measured, "parties": {name: vars(bill) for name, bill in best.items()}}
    write_figures(options.json, record)


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "What a day costs beside its gates, and the second, idle day."
    parser = bench_parser("overhead", about)
    parser.add_argument("--tickets", type=at_least(1), default=100, metavar="N", help="how many tickets (100)")
    parser.add_argument(
        "--files", type=at_least(1), default=500, metavar="N", help="how many files the project has (500)"
    )
    parser.add_argument("--repeat", type=at_least(1), default=3, metavar="N", help="take the best of N (3)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
