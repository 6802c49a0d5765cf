"""Take the tickets of a day of Sage from the public archive of its repository, and put faults into some of them.

    nox -s bench -- sage --repository ARCHIVE --folder DAY --faults

``--repository`` is a clone of sagemath/sage-archive-2023-02-01; it is only read. In ``--folder``, this writes a clone
that borrows its objects, with a branch for each ticket, the tracker's file ``tickets.toml``, and the configuration and
the Dockerfile of ``examples/sage-9.5``. No copy of a ticket is kept anywhere else.

A ticket is what the release manager merged on the first parents of ``--from..--to``. Only those are taken that change
Python files below ``src/sage`` alone and merge onto the release; ``--all`` takes every one. ``--faults`` adds a commit
to six of them.

    nox -s bench -- sage --folder DAY --judge

compares the record of a day that ran there with what was done to its tickets. Status 1 where a fault was missed, or
taken for another ticket's; who else is named is listed, to be looked at: a real ticket may break a test.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from benchmarks.command import bench_parser, folder, status, write_figures
from benchmarks.faults import Edit, with_edits
from benchmarks.history import Step, read_history
from benchmarks.parties import clone
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.terminal.harmless_text import harmless

Record = Mapping[str, Any]
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "sage-9.5"
CLONE, TICKETS = "sage.git", "tickets.toml"
_LIBRARY = "src/sage/"


@dataclass(frozen=True, kw_only=True)
class SageFault:
    """What was done, and what has to come of it: ``culprit`` leaves (nobody for a flake) and ``partner`` is named.

    ``place`` is a file or document whose tests fail, empty where the whole gate does.
    """

    name: str
    edits: tuple[Edit, ...]
    gate: str
    place: str
    culprit: int | None = None
    partner: int | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path | None
    folder: Path
    start: str
    end: str
    all: bool
    faults: bool
    judge: bool
    json: Path | None


_DISK, _SCATTER, _GAMES, _FORMS = (
    f"src/sage/{name}.py"
    for name in ("plot/disk", "plot/scatter_plot", "game_theory/parser", "quadratic_forms/binary_qf")
)
_USES_DISK = """

def scatter_color(name):
    r\"\"\"
    Return a color as three numbers.

    EXAMPLES::

        sage: from sage.plot.scatter_plot import scatter_color
        sage: scatter_color('red')
        (1.0, 0.0, 0.0)
    \"\"\"
    from sage.plot.disk import to_mpl_color
    return to_mpl_color(name)
"""
_WRONG_LATEX = """

def total_payoff(payoffs):
    r\"\"\"
    Return the sum of all payoffs.

    .. MATH::

        \\sum_i \\wide{p_i}
    \"\"\"
    return sum(payoffs)
"""
_FLAKE = """

def some_form():
    r\"\"\"
    Return a form with a random coefficient.

    EXAMPLES::

        sage: from sage.quadratic_forms.binary_qf import some_form
        sage: some_form()[0] > 1
        True
    \"\"\"
    return BinaryQF([ZZ.random_element(1, 4), 0, 1])
"""
FAULTS = (
    SageFault(
        name="a doctest",
        edits=(
            Edit(
                ticket=33173,
                path="src/sage/rings/cfinite_sequence.py",
                old="m = max(key.start, key.stop)",
                new="m = max(key.start, key.stop) - 2",
            ),
        ),
        gate="doctest",
        place="src/sage/rings/cfinite_sequence.py",
        culprit=33173,
    ),
    SageFault(
        name="a pair",
        edits=(
            # One gives an import another name, the other begins to use it.
            Edit(ticket=32912, path=_DISK, old="import to_mpl_color", new="import to_mpl_color as _mpl_color"),
            Edit(ticket=32912, path=_DISK, old="= to_mpl_color(", new="= _mpl_color("),
            Edit(ticket=33133, path=_SCATTER, old="", new=_USES_DISK),
        ),
        gate="doctest",
        place=_SCATTER,
        culprit=33133,
        partner=32912,
    ),
    SageFault(
        name="the build",
        edits=(Edit(ticket=33192, path="src/sage/interfaces/lie.py", old="", new="\n\ndef roots(system:\n    pass\n"),),
        gate="build",
        place="",
        culprit=33192,
    ),
    SageFault(
        name="a document",
        edits=(Edit(ticket=33101, path=_GAMES, old="", new=_WRONG_LATEX),),
        gate="doc-pdf",
        place="",
        culprit=33101,
    ),
    SageFault(
        name="a flaky doctest",
        edits=(Edit(ticket=33026, path=_FORMS, old="", new=_FLAKE),),
        gate="doctest",
        place=_FORMS,
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the tickets, or compare a day's record with the faults."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> int:
    if options.judge:
        return _compare(options)
    if options.repository is None:
        raise SourceError("Name a clone of sagemath/sage-archive-2023-02-01: --repository DIR.")
    taken = take(options.repository, options.folder, options.start, options.end, everything=options.all)
    faulty = FAULTS if options.faults else ()
    write_day(options.folder, taken, faulty)
    print(f"{len(taken)} tickets, {len(faulty)} faults: cd {options.folder} and run `nox -s integrate` there.")
    write_figures(options.json, {"tickets": [step.number for step in taken]})
    return 0


def take(source: Path, day: Path, start: str, end: str, *, everything: bool) -> tuple[Step, ...]:
    """Clone ``source`` into ``day``; return the merges that are the day's tickets, in order.

    Raises :class:`SourceError` if a tag is missing, or the folder has a day already.
    """
    day.mkdir(parents=True, exist_ok=True)
    if (day / CLONE).exists():
        raise SourceError(f"{day / CLONE} is there already: name another --folder, or delete it.")
    repository = clone(source, day / CLONE, bare=True)
    history = read_history(repository, start, end, sys.maxsize)
    _keep_refs(repository, history.start.commit, start, end)
    merges = {step.number: step for step in history.merges}  # of a ticket that was merged twice, the later one
    return tuple(step for step in merges.values() if everything or _is_python_alone(repository, start, step.ticket))


def _keep_refs(repository: Repository, commit: str, *tags: str) -> None:
    """Delete all branches and tags but these, so that a day fetches no more; the default branch is at ``commit``."""
    kept = {f"refs/tags/{tag}" for tag in tags}
    names = repository.git("for-each-ref", "--format=%(refname)").text.splitlines()
    repository.git(
        "update-ref", "--stdin", put="".join(f"delete {name}\n" for name in names if name not in kept).encode()
    )
    repository.git("symbolic-ref", "HEAD", "refs/heads/develop")
    repository.git("update-ref", "refs/heads/develop", commit)


def _is_python_alone(repository: Repository, start: str, commit: str) -> bool:
    """Whether a ticket's own changes are all in Python files of the library, and merge onto the release."""
    paths = repository.git("diff", "--name-only", "-z", f"{start}...{commit}").fields()
    if not paths or not all(path.startswith(_LIBRARY) and path.endswith(".py") for path in paths):
        return False
    return not repository.git("merge-tree", "--write-tree", start, commit, ok=(0, 1)).status


def write_day(day: Path, taken: Sequence[Step], faults: Sequence[SageFault]) -> None:
    """Write branches, the tracker's file and the configuration of a day into the folder of its clone."""
    repository = Repository.open(day / CLONE)
    rows = tomlkit.aot()
    for step in taken:
        edits = [edit for fault in faults for edit in fault.edits if edit.ticket == step.number]
        commit = with_edits(repository, step.ticket, edits, day / CLONE) if edits else step.ticket
        repository.git("update-ref", f"refs/heads/ticket/{step.number}", commit)
        row = tomlkit.table()
        row.update(
            {
                "number": step.number,
                "title": step.subject.partition(": ")[2] or step.subject,
                "url": f"https://trac.sagemath.org/{step.number}",
                "branch": f"ticket/{step.number}",
                "commit": commit,
            }
        )
        rows.append(row)
    document = tomlkit.document()
    document.append("ticket", rows)
    (day / TICKETS).write_text(tomlkit.dumps(document), encoding="utf-8")
    for name in ("integration.toml", "Dockerfile"):
        shutil.copy(EXAMPLE / name, day / name)


def _compare(options: Options) -> int:
    record = json.loads((options.folder / ".integrand/latest/run.json").read_text(encoding="utf-8"))
    told = {fault: told_of(record, fault) for fault in FAULTS}
    table = Table(title=f"Faults in {len(record['tickets'])} tickets of Sage", title_justify="left")
    for column in ("fault", "expected", "found", ""):
        table.add_column(column)
    for fault, found in told.items():
        expected = expectation(fault)
        verdict = "right" if found == expected else "WRONG"
        table.add_row(*(Text(harmless(word)) for word in (fault.name, expected, found, verdict)))
    console = RichConsole(highlight=False)
    console.width = max(console.width, 110)
    console.print(table)
    others = named_besides(record, FAULTS)
    for other in others:
        console.print(Text(harmless(f"named besides: {other}")))
    write_figures(options.json, {"told": {fault.name: found for fault, found in told.items()}, "besides": others})
    return 0 if all(found == expectation(fault) for fault, found in told.items()) else 1


def expectation(fault: SageFault) -> str:
    """Return what the record has to say of a fault."""
    if fault.culprit is None:
        return "flaky, nobody leaves"
    return f"#{fault.culprit} leaves" + (f" with #{fault.partner}" if fault.partner else "")


def told_of(record: Record, fault: SageFault) -> str:
    """Return what the record says of a fault, in the words of :func:`expectation` where it is the truth."""
    blames = {
        (ticket["number"], tuple(broke["with"]))
        for ticket in record["tickets"]
        if ticket["verdict"] == "culprit"
        for broke in ticket["broke"]
        if broke["gate"] == fault.gate and _is_of(broke["test"], ticket["number"], fault)
    }
    if blames:
        return "; ".join(
            f"#{number} leaves" + (" with " + ", ".join(f"#{partner}" for partner in partners) if partners else "")
            for number, partners in sorted(blames)
        )
    flaky = record["gates"][fault.gate]["flaky_rates"] if fault.culprit is None else {}
    return "flaky, nobody leaves" if any(test.startswith(fault.place) for test in flaky) else "not named"


def _is_of(test: str, number: int, fault: SageFault) -> bool:
    return test.startswith(fault.place) if fault.place else number == fault.culprit


def named_besides(record: Record, faults: Sequence[SageFault]) -> list[str]:
    """Return each ticket that is out though nothing was done to it, with the first test that it broke."""
    guilty = {fault.culprit for fault in faults}
    return [
        f"#{ticket['number']} {ticket['verdict']}: {next((broke['test'] for broke in ticket['broke']), '')}"
        for ticket in record["tickets"]
        if ticket["verdict"] != "integrated" and ticket["number"] not in guilty
    ]


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("sage", "Take the tickets of a day of Sage from the archive of its repository.")
    parser.add_argument("--repository", type=folder, metavar="DIR", help="a clone of the archive; it is only read")
    parser.add_argument("--folder", type=folder, required=True, metavar="DIR", help="where the day is written")
    parser.add_argument("--from", dest="start", default="9.5", metavar="TAG", help="the release (%(default)s)")
    parser.add_argument("--to", dest="end", default="9.6.beta2", metavar="TAG", help="up to here (%(default)s)")
    parser.add_argument("--all", action="store_true", help="take every ticket, whatever files it changes")
    parser.add_argument("--faults", action="store_true", help="put five faults into the tickets")
    parser.add_argument("--judge", action="store_true", help="compare the folder's newest day with the faults")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
