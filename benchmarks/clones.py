"""From a fresh clone of a project to its first day: `init -- --yes`, then `integrate`, and nothing mended by hand.

    nox -s bench -- clones flask.git@3.1.3 networkx.git@networkx-3.6.1 --pulls 5

Each argument is a clone that holds the pull requests as GitHub has them (`refs/pull/N/head`), and a release's tag; it
is only read. Of it a bare repository is made in which that release is the newest: its branch ``main`` is at the tag,
and the ``--pulls`` newest pull requests of up to a month later are open that start from the release's history, merge
with it and change a Python file. What comes out must be a gate that measures (tests that were seen to pass on the
release and on the head), or a day that is ``broken`` with a sentence that says what to mend. The status is 1 where a
day is green although no test passed. ``--files`` and ``--gates`` limit the tests, for projects with many.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from benchmarks.command import bench_parser, status, write_figures
from sessions.first_steps.open_requests import YOUNG
from sessions.init import init
from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.init_options import parse_init_options
from sessions.settings.options import at_least, parse_options
from sessions.source.releases import version_of
from sessions.source.repository import Repository
from sessions.terminal.console import Console
from sessions.terminal.errors import IntegrandError, UsageError
from sessions.terminal.harmless_text import harmless

Record = dict[str, Any]
_A_MONTH = 30 * 86400
_MOST_COMMITS = 12  # of a pull request that are not in the release: one with more is on something else


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    clones: Sequence[str]
    pulls: int
    files: Sequence[str]
    gates: str
    no_docs: bool
    keep: Path | None
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Day:
    """What came of a project: the day's ``state`` and ``message``, and how many tests passed in its gates."""

    project: str
    pulls: tuple[int, ...]
    run: str
    state: str
    message: str
    passed_release: int
    passed_head: int
    failed_head: int
    verdicts: dict[str, int]
    seconds: float

    @property
    def is_a_lie(self) -> bool:
        """Whether it is green without a passed test."""
        return self.state == "green" and not (self.passed_head and self.passed_release)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> int:
    with tempfile.TemporaryDirectory(prefix="integrand-clones-") as scratch:
        folder = options.keep or Path(scratch)
        days = [_day(each, options, folder) for each in options.clones]
    table = Table("project", "pull requests", "day", "passed on release", "on head", "failed", "verdicts", "seconds")
    for day in days:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in day.verdicts.items())
        counts = (str(day.passed_release), str(day.passed_head), str(day.failed_head))
        pulls = ", ".join(f"#{number}" for number in day.pulls)
        table.add_row(day.project, pulls, day.state, *counts, verdicts, f"{day.seconds:.0f}")
    RichConsole(width=160).print(table)
    for day in days:
        RichConsole().print(Text(harmless(f"{day.project}: {day.run}\n    {day.state}: {day.message}")), soft_wrap=True)
    write_figures(options.json, {day.project: asdict(day) for day in days})
    return int(any(day.is_a_lie for day in days))


def _day(clone: str, options: Options, folder: Path) -> Day:
    """Return a project's first day, typed in a clone of its own."""
    place, _, tag = clone.rpartition("@")
    source = Repository.open(Path(place).resolve())
    name = project_name(place)
    bare = folder / f"{name}.git"
    pulls = _publish(source, tag, options.pulls, bare)
    work = folder / name
    start, console = time.monotonic(), Console(to_stderr=True)
    source.git("clone", "--quiet", str(bare), str(work), may_complain=True)
    init(parse_init_options(("--yes", *(("--docs", "-") if options.no_docs else ())), work), console)
    command = ["--engine", "local", *(["--gates", options.gates] if options.gates else [])]
    command += ["--files", *options.files] if options.files else []
    try:
        record = record_data(
            integrate(parse_options(command, session="integrate", called_from=work, home=work), console)
        )
    except IntegrandError as error:  # what nox would show as its last line
        record = {"state": "broken", "message": str(error), "gates": {}, "tickets": []}
    return _told(name, tuple(pulls), record, (work / "integration.toml").read_text(), time.monotonic() - start)


def project_name(place: str) -> str:
    """Return a project's name, from the path of its clone: ``/x/flask.git`` and ``/x/pallets+flask/repo`` are flask."""
    path = Path(place).resolve()
    own = path if path.name not in ("repo", ".git") else path.parent
    return own.name.removesuffix(".git").rpartition("+")[2]


def _publish(source: Repository, tag: str, count: int, bare: Path) -> dict[int, str]:
    """Make the bare repository, in which the release is the newest and ``count`` pull requests are open."""
    if version_of(tag) is None:
        raise UsageError(f"{tag!r} is no release's tag: type each clone as PATH@TAG.")
    release = source.git("rev-parse", "--verify", "--quiet", f"{tag}^{{commit}}", ok=(0, 1)).text
    if not release:
        raise UsageError(f"{source.path} has no tag {tag}.")
    pulls = dict(_open_pulls(source, release, count))
    if len(pulls) < count:
        raise UsageError(f"{source.path} has {len(pulls)} pull requests that fit onto {tag}, not {count}.")
    shutil.rmtree(bare, ignore_errors=True)
    source.git("init", "--quiet", "--bare", "-b", "main", str(bare))
    objects = source.git("rev-parse", "--git-path", "objects").text
    (bare / "objects" / "info" / "alternates").write_text(f"{(source.path / objects).resolve()}\n")
    made = Repository.open(bare)
    refs = {"refs/heads/main": release, f"refs/tags/{tag}": release}
    for number, commit in pulls.items():
        refs |= {f"refs/pull/{number}/head": commit, f"refs/pull/{number}/merge": commit}
    made.git("update-ref", "--stdin", put="".join(f"create {ref} {at}\n" for ref, at in refs.items()).encode())
    return pulls


def _open_pulls(source: Repository, release: str, count: int) -> Iterator[tuple[int, str]]:
    """The pull requests whose last commit is the newest, up to a month after the release, and that fit onto it."""
    until = int(source.git("log", "-1", "--format=%ct", release).text) + _A_MONTH
    since = until - YOUNG  # what is older, `init` leaves out
    form = "--format=%(committerdate:unix) %(objectname) %(refname)"
    rows = [row.split(" ") for row in source.git("for-each-ref", form, "refs/pull/*/head").lines()]
    young = sorted(((int(when), commit, ref) for when, commit, ref in rows if since < int(when) < until), reverse=True)
    for _, commit, ref in young:
        if count and _fits(source, release, commit):
            count -= 1
            yield int(ref.split("/")[2]), commit


def _fits(source: Repository, release: str, head: str) -> bool:
    ahead = int(source.git("rev-list", "--count", f"--max-count={_MOST_COMMITS + 1}", f"{release}..{head}").text)
    if not 0 < ahead <= _MOST_COMMITS:
        return False
    merged = source.git("merge-tree", "--write-tree", release, head, ok=(0, 1), may_complain=True)
    if merged.status:
        return False
    changed = source.git("diff", "--name-only", release, merged.lines()[0]).lines()
    return any(path.endswith(".py") for path in changed)


def _told(name: str, pulls: tuple[int, ...], record: Record, config: str, seconds: float) -> Day:
    ran = [gate.get("ran", {}) for gate in record["gates"].values()]
    verdicts = [ticket["verdict"] for ticket in record["tickets"]]
    runs = [line.partition(" = ")[2].partition("  #")[0] for line in config.splitlines() if line.startswith("run = ")]

    def count(where: str, how: str) -> int:
        return sum(each.get(where, {}).get(how, 0) for each in ran)

    return Day(
        project=name,
        pulls=pulls,
        run="; ".join(runs),
        state=record["state"],
        message=record["message"],
        passed_release=count("release", "passed"),
        passed_head=count("head", "passed"),
        failed_head=count("head", "failed"),
        verdicts={verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        seconds=round(seconds, 1),
    )


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("clones", "From a fresh clone of a project to its first day.")
    parser.add_argument("clones", nargs="+", metavar="PATH@TAG", help="a clone, and the release to start from")
    parser.add_argument("--pulls", type=at_least(1), default=5, metavar="N", help="how many pull requests (5)")
    parser.add_argument("--files", nargs="+", default=(), metavar="GLOB", help="test only these files")
    parser.add_argument("--gates", default="", metavar="NAME,NAME", help="run only these gates")
    parser.add_argument("--no-docs", action="store_true", help="type `--docs -` after init, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work there, and leave what was made")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
