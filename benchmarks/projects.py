"""Public projects of many kinds: what `init -- --yes` writes for a fresh clone, and what `--plan` says right after it.

    nox -s bench -- projects DIR --page docs/projects.md

``DIR`` holds a folder ``OWNER+NAME`` for each project of ``benchmarks/projects.toml``: a clone, or a bare repository in
``repo/``, with GitHub's refs of pull requests. They are only read. Each is cloned, the clone's origin is set to the
project's address on GitHub, and what a newcomer types is run there. A project whose list entry says ``trial = true``
runs its gates once on the release, too (``--trial``). The status is 1 where no file came out that ``--plan`` takes, or
where a test command is not the project's own.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console as RichConsole

from benchmarks.command import bench_parser, folder, status, write_figures
from sessions.day.trial import try_gates
from sessions.init import init
from sessions.integrate import integrate
from sessions.settings.configuration_file import load_config
from sessions.settings.init_options import parse_init_options
from sessions.settings.options import parse_options
from sessions.source.repository import Repository
from sessions.terminal.console import Console
from sessions.terminal.errors import IntegrandError, UsageError
from sessions.tickets.model import Verdict
from tools.figures import replace_between

LIST = Path(__file__).with_name("projects.toml")
BEGIN, END = "<!-- projects: `nox -s bench -- projects` writes this table -->", "<!-- end of projects -->"


@dataclass(frozen=True, kw_only=True)
class Project:
    """An entry of the list. ``command`` is a part of any correct test command."""

    name: str
    kind: str
    command: str
    folder: str = ""
    trial: bool = False

    @property
    def title(self) -> str:
        """The project's name, with the folder where ``init`` is called."""
        return f"{self.name}, in {self.folder}/" if self.folder else self.name


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    folder: Path
    only: Sequence[str]
    trial: bool
    keep: Path | None
    page: Path | None
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a project; ``error`` is empty if there is a file that ``--plan`` takes. Times are in seconds."""

    project: str
    kind: str
    start: str = ""
    run: str = ""
    is_correct: bool = False
    tickets: int = 0
    merged: int = 0
    conflicts: int = 0
    trial: str = ""
    init_seconds: float = 0
    plan_seconds: float = 0
    load: float = 0
    error: str = ""

    def row(self) -> str:
        """Return the row of the Markdown table."""
        cells = [self.project, self.kind, self.start, f"`{self.run}`" + ("" if self.is_correct else " **wrong**")]
        plan = f"{self.merged} of {self.tickets} would be merged, {self.conflicts} conflict"
        cells += [self.error or plan, self.trial]
        cells += [f"{each:.1f}" for each in (self.init_seconds, self.plan_seconds, self.load)]
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> int:
    """Try the projects; with ``--json``, the figures of those that are not tried again stay in the file."""
    outcomes = _known(options.json)
    places = {project: _place(project, options.folder) for project in _projects(options.only)}
    with tempfile.TemporaryDirectory(prefix="integrand-projects-") as scratch:
        for project, place in places.items():
            outcomes[project.title] = outcome = _try(project, place, options, options.keep or Path(scratch))
            print(outcome.row(), flush=True)
            write_figures(options.json, {title: asdict(each) for title, each in outcomes.items()})
    if options.page:
        listed = [outcomes[project.title] for project in _projects(()) if project.title in outcomes]
        _write_page(options.page, listed)
    return int(any(outcome.error or not outcome.is_correct for outcome in outcomes.values()))


def _known(figures: Path | None) -> dict[str, Outcome]:
    if figures is None or not figures.exists():
        return {}
    return {title: Outcome(**each) for title, each in json.loads(figures.read_text(encoding="utf-8")).items()}


def _projects(only: Sequence[str]) -> Iterator[Project]:
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["project"]
    projects = [Project(**entry) for entry in entries]
    if unknown := set(only) - {project.name for project in projects}:
        raise UsageError(f"{', '.join(sorted(unknown))} is not in {LIST}: add it, with a part of its test command.")
    return (project for project in projects if not only or project.name in only)


def _try(project: Project, place: Path, options: Options, scratch: Path) -> Outcome:
    """Clone a project, and type what a newcomer types."""
    console, outcome = _silent(), Outcome(project=project.title, kind=project.kind)
    try:
        work = _clone(project, place, scratch) / project.folder
        begun = time.monotonic()
        init(parse_init_options(("--yes",), work), console)
        written = time.monotonic()
        record = integrate(parse_options(("--plan",), session="integrate", called_from=work, home=work), console)
    except IntegrandError as error:
        return replace(outcome, error=str(error).splitlines()[0])
    planned = time.monotonic()
    config = load_config(work / "integration.toml")
    verdicts = [ticket.verdict for ticket in record.tickets]
    return replace(
        outcome,
        start=config.project.release if config.project.release != "latest" else record.release,
        run=config.gates[0].run,
        is_correct=project.command in config.gates[0].run,
        tickets=len(verdicts),
        merged=verdicts.count(Verdict.INTEGRATED),
        conflicts=verdicts.count(Verdict.CONFLICT),
        trial=_trial(work) if options.trial and project.trial else "",
        init_seconds=round(written - begun, 1),
        plan_seconds=round(planned - written, 1),
        load=round(os.getloadavg()[0], 1),
    )


def _place(project: Project, folder: Path) -> Path:
    """Return the project's clone in a folder of clones."""
    owner_name = project.name.replace("/", "+")
    found = [path for path in (folder / owner_name / "repo", folder / owner_name) if path.is_dir()]
    if not found:
        raise UsageError(f"{folder} has no folder {owner_name}: put a clone of {project.name} there.")
    return found[0]


def _clone(project: Project, place: Path, scratch: Path) -> Path:
    """Clone a project with the refs of its pull requests, as a clone of GitHub that is offline."""
    name = project.name.replace("/", "+")
    work = scratch / "+".join(filter(None, (name, project.folder))) / project.name.partition("/")[2]
    shutil.rmtree(work.parent, ignore_errors=True)
    work.parent.mkdir(parents=True)
    # Refs that come with a clone are written to one file, those of a later fetch to one file each.
    pulls = "remote.origin.fetch=+refs/pull/*:refs/pull/*"
    source = Repository.open(place)
    source.git(
        "clone", "--quiet", "--shared", "--no-checkout", "--config", pulls, str(place), str(work), may_complain=True
    )
    clone = Repository.open(work)
    clone.git("remote", "set-url", "origin", f"https://github.com/{project.name}.git")
    return work


def _trial(work: Path) -> str:
    """Run the gates once on the release; what came out."""
    console = _silent()
    options = parse_options((), session="baseline", called_from=work, home=work)
    with suppress(IntegrandError):
        try_gates(options, console)
    assert isinstance(console.terminal.file, io.StringIO)  # noqa: S101  for the type
    said = re.findall(r"^(\w+: \d+ passed.*|\w+ measured nothing.*)$", console.terminal.file.getvalue(), re.MULTILINE)
    return "; ".join(said)


def _silent() -> Console:
    console = Console()
    console.terminal = RichConsole(file=io.StringIO(), width=200, soft_wrap=True)
    return console


def _write_page(page: Path, outcomes: Sequence[Outcome]) -> None:
    rows = [
        "| project | kind | starts at | tests | `--plan` | on the release | init, s | plan, s | load |",
        "|---|---|---|---|---|---|---|---|---|",
        *(outcome.row() for outcome in outcomes),
    ]
    page.write_text(replace_between(page.read_text(encoding="utf-8"), BEGIN, END, "\n".join(rows)), encoding="utf-8")


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("projects", "Public projects of many kinds: what init writes, and what --plan says.")
    parser.add_argument("folder", type=folder, metavar="DIR", help="the folder that holds OWNER+NAME of each project")
    parser.add_argument("--only", nargs="+", default=(), metavar="OWNER/NAME", help="try only these")
    parser.add_argument("--trial", action="store_true", help="run gates once on the release, where the list says so")
    parser.add_argument("--keep", type=folder, metavar="DIR", help="work there, and leave what was made")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table between the markers of this page")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
