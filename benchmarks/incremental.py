"""What a day costs where each build compiles a whole C++ project, and where a search starts from the nearest build.

    nox -s bench -- incremental --files 20 --tickets 12

A project of ``--files`` sources is made in a temporary folder, with ``--tickets`` tickets that each change one source.
One ticket breaks a test; in a second project, one renames a function, so that the linker names no file that the ticket
changes. Each day runs on the local engine without and with ``[build] incremental``, and, where ccache is installed,
without it and with ``[build] cache``. To compile a source takes a second, as the compiler sleeps first: so other load
on the machine changes little.

``compiled`` counts the sources that were compiled; ``seconds`` are those of all probes together.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.command import bench_parser, status, write_figures
from benchmarks.overhead import SESSION, time_process
from benchmarks.parties import run
from sessions.settings.options import at_least
from sessions.terminal.errors import InfrastructureError

_MAKEFILE = """
objects := $(patsubst %.cc,%.o,$(wildcard src/*.cc))

tests: $(objects)
\t$(CXX) -o $@ $^

# What ccache does not compile again does not come to descriptor 9.
%.o: %.cc
\t@{ccache} ./cxx -MMD -c -o $@ $< 9>&1

-include $(wildcard src/*.d)
"""
_COMPILER = """#!/bin/sh
case " $* " in *" -E "*) ;; *" -c "*) echo "CXX $*" >&9; sleep 1 ;; esac
exec g++ "$@"
"""
_SOURCE = """
#include "h{number}.h"
int f{number}(int given) {{ return H{number} == {number} ? given + {number} : 0; }}
"""
_CONFIG = """
version = 1

[project]
name = "incremental"
repository = "project.git"

[tickets]
tracker = "file"
url = "tickets.toml"
milestone = ""

[engine]
kind = "local"

[build]
run = "make"
{build}

[[gates]]
name = "tests"
run = "./tests"
format = "exit"
"""


# How builds are made, and what [build] says for it.
_WAYS = (
    ("from the release", ""),
    ("from the nearest", "incremental = true"),
    ("from the release, ccache", 'cache = ["CCACHE_DIR"]'),
    ("from the nearest, ccache", 'incremental = true\ncache = ["CCACHE_DIR"]'),
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    tickets: int
    files: int
    json: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> None:
    table = Table(title=f"{options.files} sources, {options.tickets} tickets", title_justify="left")
    for column in ("culprit of", "builds", "probes", "incremental ones", "compiled", "seconds"):
        table.add_column(column, justify="left" if column in ("culprit of", "builds") else "right")
    figures = {}
    ways = _WAYS if shutil.which("ccache") else _WAYS[:2]
    for culprit in ("a test", "the build"):
        for how, build in ways:
            with tempfile.TemporaryDirectory(prefix="integrand-incremental-") as name:
                bill = _day(Path(name), options, culprit, build)
            figures[f"{culprit}, {how}"] = bill
            numbers = (str(bill[key]) for key in ("probes", "incremental", "compiled", "seconds"))
            table.add_row(culprit, how, *numbers)
    Console(highlight=False).print(table)
    write_figures(options.json, figures)


def _day(folder: Path, options: Options, culprit: str, build: str) -> Mapping[str, float]:
    """Run a day, and return what it cost. Raises :class:`InfrastructureError` if it does not name the culprit alone."""
    broken = options.tickets * 2 // 3
    ccache = "CCACHE_COMPILERCHECK=content ccache" if "cache" in build else ""
    _make_project(folder, options, broken, ccache, breaks_build=culprit == "the build")
    config = _CONFIG.format(build=build)
    (folder / "integration.toml").write_text(config, encoding="utf-8")
    time_process([sys.executable, "-c", SESSION, "--config", "integration.toml", "--jobs", "1"], folder)
    record = json.loads((folder / ".integrand" / "latest" / "run.json").read_text(encoding="utf-8"))
    named = [each["number"] for each in record["tickets"] if each["verdict"] == "culprit"]
    if named != [broken] or record["state"] != "green":
        raise InfrastructureError(f"The day is {record['state']} and named {named}, not {broken}.")
    logs = {folder / ".integrand" / probe["log"] for probe in record["probes"]}
    return {
        "probes": len(record["probes"]),
        "incremental": sum(probe["incremental"] for probe in record["probes"]),
        "compiled": sum(len(re.findall(r"^CXX ", log.read_text(encoding="utf-8"), re.MULTILINE)) for log in logs),
        "seconds": round(record["timings"]["probe_seconds"], 1),
    }


def _make_project(folder: Path, options: Options, broken: int, ccache: str, *, breaks_build: bool) -> None:
    """Write a repository with a release and branches, and a tracker file."""
    numbers = range(1, options.files + 1)
    declared = "".join(f"int f{number}(int);\n" for number in numbers)
    checks = "".join(f"    if (f{number}(1) != {number + 1}) return {number};\n" for number in numbers)
    files = {
        "Makefile": _MAKEFILE.replace("{ccache}", ccache),
        "cxx": _COMPILER,
        ".gitignore": "*.o\n*.d\ntests\n",
        "src/main.cc": f"{declared}int main() {{\n{checks}    return 0;\n}}\n",
        **{f"src/f{number}.cc": _SOURCE.format(number=number) for number in numbers},
        **{f"src/h{number}.h": f"#define H{number} {number}\n" for number in numbers},
    }
    repository = folder / "project.git"
    run(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(repository))
    stream = ["commit refs/heads/main\nmark :1\ncommitter t <t@t> 0 +0000\ndata 1\n.\n", *_written(files)]
    tickets = []
    for number in range(1, options.tickets + 1):
        name = f"src/f{(number - 1) % options.files + 1}.cc"
        changed = {name: f"{files[name]}// of ticket {number}\n"}
        if number == broken:
            fault = ("int f", "int g") if breaks_build else ("given +", "given -")
            changed = {name: files[name].replace(*fault)}
        stream.append(f"commit refs/heads/t{number}\ncommitter t <t@t> {number} +0000\ndata 1\n.\nfrom :1\n")
        stream += _written(changed)
        tickets.append(
            f'[[ticket]]\nnumber = {number}\ntitle = "Ticket {number}"\nbranch = "t{number}"\n'
            'labels = ["positive_review"]\n'
        )
    run(repository, "fast-import", "--quiet", put="".join(stream))
    run(repository, "tag", "1.0", "main")
    (folder / "tickets.toml").write_text("\n".join(tickets), encoding="utf-8")


def _written(files: Mapping[str, str]) -> list[str]:
    modes = {name: 755 if name == "cxx" else 644 for name in files}
    return [f"M {modes[name]} inline {name}\ndata {len(text)}\n{text}\n" for name, text in files.items()]


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("incremental", "Days whose builds start from the release, and from the nearest kept build.")
    parser.add_argument("--tickets", type=at_least(3), default=12, metavar="N", help="how many tickets (12)")
    parser.add_argument("--files", type=at_least(1), default=20, metavar="N", help="how many sources (20)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
