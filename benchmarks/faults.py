"""Put faults of our own into the real pull requests of pypa/packaging, and see who is named for them.

    nox -s bench -- faults --repository packaging.git

``--repository`` is a clone with the commits of ``examples/packaging.tickets.toml`` (`refs/pull/*/head`); it is only
read. Each fault is one more commit on top of a pull request's branch, with fixed dates: the same commits wherever this
runs. Then the day of ``examples/packaging-docs.toml`` runs, all of it, on the local engine: the 25 pull requests are
merged, the documentation is built, 27,000 tests run. Who has to leave, for which tests and with whom, is compared with
what was done to them; that nobody else leaves is looked at as well.

All that is random in a probe comes from the gate's ``{seed}``, which comes from the tree: the flaky test fails by the
order of a set, so in some runs and not in others, and in the same ones when the day is repeated. ``--seed N`` writes
the number into that test, and so makes another day.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from benchmarks.command import bench_parser, folder, status, write_figures
from benchmarks.parties import clone
from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import at_least, parse_options
from sessions.source.repository import Repository
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError
from sessions.terminal.harmless_text import harmless

Record = dict[str, Any]
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CONFIG, TICKETS = "packaging-docs.toml", "packaging.tickets.toml"
WHO = "A. Fault <fault@localhost> 1750000000 +0000"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """In the file ``path`` of a pull request's branch, ``old`` becomes ``new``; an empty ``old`` is the file's end."""

    ticket: int
    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What was done, and what has to come of it.

    ``culprit`` leaves (nobody for a flake), ``partner`` stays and is named with it; ``tests`` are the functions, or the
    gate, that fail.
    """

    name: str
    edits: tuple[Edit, ...]
    gate: str
    tests: frozenset[str]
    culprit: int | None = None
    partner: int | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a day said of one fault: ``right`` where that is the truth."""

    fault: Fault
    expected: str
    found: str
    right: bool


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    seed: int
    files: tuple[str, ...]
    state: Path | None
    json: Path | None


_METADATA, _UTILS = "src/packaging/metadata.py", "src/packaging/utils.py"


def faults(seed: int) -> tuple[Fault, ...]:
    """Return the five faults.

    They stand in lines that no other pull request of the day changes, and in pull requests that can leave together: as
    the project squashes, later branches carry earlier ones, and without #904 and #905 most of them clash with #860.
    """
    flake = f"""

def test_newest_policy_comes_first():
    # Day {seed}.
    policies = {{"manylinux1", "manylinux2010", "manylinux2014"}}
    assert next(iter(policies)) != "manylinux1"
"""
    return (
        Fault(
            name="one of two in metadata.py",
            edits=(Edit(ticket=905, path=_METADATA, old='if "*" in path:', new='if path == "*":'),),
            gate="pytest",
            tests=frozenset({"test_invalid_license_files"}),
            culprit=905,
        ),
        Fault(
            name="the other in metadata.py",
            edits=(Edit(ticket=835, path=_METADATA, old='if "\\n" in value:', new='if value.endswith("\\n"):'),),
            gate="pytest",
            tests=frozenset({"test_invalid_summary"}),
            culprit=835,
        ),
        Fault(
            name="a pair",
            edits=(
                # One renames what the other begins to use.
                Edit(ticket=907, path=_UTILS, old="_validate_regex = ", new="_name_regex = "),
                Edit(ticket=907, path=_UTILS, old="not _validate_regex.match", new="not _name_regex.match"),
                Edit(
                    ticket=879,
                    path=_UTILS,
                    old="    return _normalized_regex.match(name) is not None",
                    new="    return bool(_validate_regex.match(name) and _normalized_regex.match(name))",
                ),
            ),
            gate="pytest",
            tests=frozenset({"test_is_normalized_name"}),
            culprit=879,
            partner=907,
        ),
        Fault(
            name="documentation",
            edits=(Edit(ticket=908, path="docs/markers.rst", old="Reference\n---------", new="Reference\n------"),),
            gate="docs",
            tests=frozenset({"docs"}),
            culprit=908,
        ),
        Fault(
            name="a flaky test",
            edits=(Edit(ticket=837, path="tests/test_manylinux.py", old="", new=flake),),
            gate="pytest",
            tests=frozenset({"test_newest_policy_comes_first"}),
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status: 1 where somebody innocent was named, or a fault was missed."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> int:
    with tempfile.TemporaryDirectory(prefix="integrand-faults-") as folder:
        place = Path(folder)
        numbers = prepare(options.repository, place, faults(options.seed))
        state = options.state or place / "state"
        arguments = ["--config", str(place / CONFIG), "--repository", str(place / "packaging.git"), "--engine", "local"]
        arguments += ["--files", *options.files] if options.files else []
        begun = time.monotonic()
        record = record_data(
            integrate(
                parse_options([*arguments, "--state", str(state)], session="integrate", called_from=place, home=place),
                Console(to_stderr=True),
            )
        )
        seconds = time.monotonic() - begun
    judged, innocent = judge(record, faults(options.seed)), blamed_for_nothing(record, faults(options.seed))
    right = all(each.right for each in judged) and not innocent and record["state"] == "green"
    _show(record, judged, innocent, seconds)
    figures = {
        "seed": options.seed,
        "tickets": len(numbers),
        "integrated": sum(ticket["verdict"] == "integrated" for ticket in record["tickets"]),
        "state": record["state"],
        "right": right,
        "faults": [
            {"fault": each.fault.name, "expected": each.expected, "found": each.found, "right": each.right}
            for each in judged
        ],
        "innocent": innocent,
        "probes": len(record["probes"]),
        "seconds": round(seconds, 1),
    }
    write_figures(options.json, figures)
    return 0 if right else 1


def prepare(source: Path, place: Path, all_faults: Sequence[Fault]) -> tuple[int, ...]:
    """In ``place``: a clone with the faulty branches, the tracker's file that names them, and the configuration.

    The tickets' numbers. Raises :class:`SourceError` if ``source`` lacks a branch, or a branch the line to change.
    """
    tickets = (EXAMPLES / TICKETS).read_text(encoding="utf-8")
    repository = clone(source, place / "packaging.git", bare=True)
    commits = {table["number"]: table["commit"] for table in tomllib.loads(tickets)["ticket"]}
    for number, commit in commits.items():
        edits = [edit for fault in all_faults for edit in fault.edits if edit.ticket == number]
        if repository.git("cat-file", "-e", commit, ok=(0, 1, 128), may_complain=True).status:
            raise SourceError(f"{source} has no commit {commit}: fetch `refs/pull/{number}/head` into it.")
        faulty = with_edits(repository, commit, edits, place) if edits else commit
        repository.git("update-ref", f"refs/pull/{number}/head", faulty)
        tickets = tickets.replace(commit, faulty)
    (place / TICKETS).write_text(tickets, encoding="utf-8")
    shutil.copy(EXAMPLES / CONFIG, place / CONFIG)
    return tuple(commits)


def with_edits(repository: Repository, commit: str, edits: Sequence[Edit], place: Path) -> str:
    """Return the commit that makes the edits on top of ``commit``."""
    index = {"GIT_INDEX_FILE": str(place / "index")}
    repository.git("read-tree", commit, env=index)
    for edit in edits:
        text = repository.git("cat-file", "blob", f":{edit.path}", env=index).out.decode()
        if edit.old and text.count(edit.old) != 1:
            raise SourceError(f"{edit.path} of #{edit.ticket} has {edit.old!r} {text.count(edit.old)} times, not once.")
        changed = text.replace(edit.old, edit.new) if edit.old else text + edit.new
        blob = repository.git("hash-object", "-w", "--stdin", put=changed.encode()).text
        repository.git("update-index", "--cacheinfo", f"100644,{blob},{edit.path}", env=index)
    tree = repository.git("write-tree", env=index).text
    return repository.write_commit(
        f"tree {tree}\nparent {commit}\nauthor {WHO}\ncommitter {WHO}\n\nOne thing more\n".encode()
    )


def judge(record: Record, all_faults: Sequence[Fault]) -> tuple[Judged, ...]:
    """Return what the record says of each fault."""
    return tuple((_of_culprit if fault.culprit else _of_flake)(record, fault) for fault in all_faults)


def _of_culprit(record: Record, fault: Fault) -> Judged:
    expected = _words(fault.culprit, [fault.partner] if fault.partner else [], fault.tests)
    blames = [
        (ticket["number"], broke["with"], _function(broke["test"]))
        for ticket in record["tickets"]
        if ticket["verdict"] == "culprit"
        for broke in ticket["broke"]
        if broke["gate"] == fault.gate and _function(broke["test"]) in fault.tests
    ]
    named = {(number, tuple(partners)) for number, partners, _ in blames}
    tests = frozenset(test for *_, test in blames)
    found = "; ".join(_words(number, partners, tests) for number, partners in sorted(named)) or "nobody is named"
    return Judged(fault=fault, expected=expected, found=found, right=found == expected)


def _of_flake(record: Record, fault: Fault) -> Judged:
    rates = record["gates"][fault.gate]["flaky_rates"]
    seen = {name: rate for name, rate in rates.items() if _function(name) in fault.tests}
    found = "; ".join(f"flaky: it failed in {rate['fails']} of {rate['runs']} runs" for rate in seen.values())
    right = any(0 < rate["fails"] < rate["runs"] for rate in seen.values())
    return Judged(fault=fault, expected="told as flaky, nobody leaves", found=found or "not told", right=right)


def _words(number: int | None, partners: Sequence[int | None], tests: frozenset[str]) -> str:
    together = " with " + ", ".join(f"#{partner}" for partner in partners) if partners else ""
    return f"#{number} leaves{together}: {', '.join(sorted(tests))}"


def _function(test: str) -> str:
    """Return the function of a parametrized test, or the name of a gate."""
    return re.split(r"::|\.", test.partition("[")[0])[-1]


def blamed_for_nothing(record: Record, all_faults: Sequence[Fault]) -> list[str]:
    """Each ticket that is not integrated though nothing was done to it, and each test that nothing was done to."""
    guilty = {fault.culprit: fault.tests for fault in all_faults if fault.culprit}
    out = [ticket for ticket in record["tickets"] if ticket["verdict"] != "integrated"]
    strangers = [f"#{ticket['number']}: {ticket['verdict']}" for ticket in out if ticket["number"] not in guilty]
    return strangers + [
        f"#{ticket['number']}: {broke['test']}"
        for ticket in out
        for broke in ticket["broke"]
        if _function(broke["test"]) not in guilty.get(ticket["number"], frozenset())
    ]


def _show(record: Record, judged: Sequence[Judged], innocent: Sequence[str], seconds: float) -> None:
    table = Table(title="Five faults in 25 real pull requests of pypa/packaging", title_justify="left")
    for column in ("fault", "in", "expected", "found", ""):
        table.add_column(column)
    for each in judged:
        tickets = ", ".join(f"#{number}" for number in dict.fromkeys(edit.ticket for edit in each.fault.edits))
        cells = (each.fault.name, tickets, each.expected, each.found, "right" if each.right else "WRONG")
        table.add_row(*(Text(harmless(word)) for word in cells))
    console = RichConsole(highlight=False)
    # Narrower than this, the table could not be read.
    console.width = max(console.width, 120)
    console.print(table)
    integrated = sum(ticket["verdict"] == "integrated" for ticket in record["tickets"])
    console.print(f"{record['state']}: {integrated} of {len(record['tickets'])} integrated, ", end="")
    console.print(f"{len(record['probes'])} probes in {seconds:.0f} s, named though innocent: {len(innocent)}")
    for stranger in innocent:
        console.print(Text(harmless(f"  {stranger}")))


def _parse(arguments: Sequence[str] | None) -> Options:
    about = "Put faults of our own into the real pull requests of pypa/packaging, and see who is named for them."
    parser = bench_parser("faults", about)
    parser.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a clone; it is only read")
    parser.add_argument("--seed", type=at_least(0), default=4, metavar="N", help="another flaky test (%(default)s)")
    parser.add_argument("--files", nargs="+", default=(), metavar="GLOB", help="run only these files of tests")
    parser.add_argument("--state", type=folder, metavar="DIR", help="keep what is known there, for a second call")
    typed = vars(parser.parse_args(arguments))
    return Options(**typed | {"files": tuple(typed["files"])})


if __name__ == "__main__":
    sys.exit(main())
