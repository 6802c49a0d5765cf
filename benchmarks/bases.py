"""Ten pull requests that start at main after a release: a day from the tag, and one from the branch.

    nox -s bench -- bases --repository flask.git --project flask

``--repository`` is a clone with the pull requests' commits (`refs/pull/*/head`), or one whose default branch merged
them; it is only read. In a scratch copy, one commit more on main breaks a test, and every pull request has that main
merged into it, as authors do with the button "Update branch". One pull request breaks a test of its own. Then two days
run on the local engine: from the tag, with main's commits as a part of the line, and from `branch:main`.

Status 1 where a ticket is blamed for what main broke, where main's commit is not named, where the one guilty ticket is
not found, or where the two days do not give the same verdicts.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole
from rich.table import Table

from benchmarks.command import bench_parser, folder, status, write_figures
from benchmarks.parties import clone, run
from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import parse_options
from sessions.source.releases import namings_in
from sessions.source.repository import Repository
from sessions.terminal.console import Console
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers import merge_subjects

# Of so many pull requests it is looked up where they start.
_NEWEST = 150
WHO = "A. Base <base@localhost> 1780000000 +0000"
_PYTEST = "python3 -m pytest -q -p no:cacheprovider -o addopts= -o junit_family=xunit1 --junit-xml={results} {files}"
_CONFIG = """\
version = 1
[project]
name = "{name}"
repository = "project.git"
release = "latest"
[tickets]
url = "tickets.toml"
milestone = ""
[engine]
kind = "local"
packages = [{packages}]
[[gates]]
name = "pytest"
run = "{run}"
format = "junit"
files = [{files}]
"""


Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A real project, the part of its tests that runs, and what is broken in it.

    In the file ``path``, main's bad commit turns ``old`` into ``new``, which breaks tests of the function ``breaks``.
    The guilty ticket adds a failing test to ``test_file``.
    """

    name: str
    release: str
    branch: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    run: str
    path: str
    old: str
    new: str
    breaks: str
    test_file: str


PROJECTS = {
    "packaging": Project(
        name="packaging",
        release="26.3",
        branch="main",
        packages=("pytest==8.4.2", "pretend", "hypothesis"),
        files=("tests/test_utils.py", "tests/test_tags.py", "tests/test_licenses.py", "tests/test_requirements.py"),
        run=f"PYTHONPATH=src {_PYTEST}",
        path="src/packaging/utils.py",
        old=r'_build_tag_regex = re.compile(r"(\d+)(.*)"',
        new=r'_build_tag_regex = re.compile(r"(\d)(.*)"',
        breaks="test_parse_wheel_filename",
        test_file="tests/test_licenses.py",
    ),
    "flask": Project(
        name="flask",
        release="3.1.0",
        branch="main",
        packages=("pytest==8.4.2", "werkzeug", "jinja2", "itsdangerous", "click", "blinker", "python-dotenv"),
        files=(
            "tests/test_helpers.py",
            "tests/test_config.py",
            "tests/test_json.py",
            "tests/test_views.py",
        ),
        run=f"PYTHONPATH=src {_PYTEST}",
        path="src/flask/helpers.py",
        old='not in {"0", "false", "no"})',
        new='not in {"0", "false"})',
        breaks="test_get_debug_flag",
        test_file="tests/test_config.py",
    ),
    "sympy": Project(
        name="sympy",
        release="1.14.0",
        branch="master",
        packages=("pytest==8.4.2", "mpmath", "hypothesis"),
        files=("sympy/utilities/tests/test_misc.py", "sympy/utilities/tests/test_iterables.py"),
        run=_PYTEST,
        path="sympy/utilities/misc.py",
        old="k % 10 == 2:",
        new="k % 10 == 7:",
        breaks="test_ordinal",
        test_file="sympy/utilities/tests/test_iterables.py",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A pull request: where it is now, the place in main's line at which it starts, and where main merged it."""

    number: int
    tip: str
    start: int
    merged: float


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The scratch repository as it was prepared: main's bad commit, the guilty ticket, and all tickets."""

    bad: str
    guilty: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    repository: Path
    project: str
    count: int
    json: Path | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 1 where something of what it shows is not so."""
    return status(lambda: _run(_parse(arguments)))


def _run(options: Options) -> int:
    project = PROJECTS[options.project]
    with tempfile.TemporaryDirectory(prefix="integrand-bases-") as name:
        place = Path(name)
        stage = prepare(options.repository, place, project, options.count)
        days = {start: _day(place, start) for start in (project.release, f"branch:{project.branch}")}
    trouble = judge(project, stage, [record for record, _ in days.values()])
    _show(project, stage, days, trouble)
    figures = {
        start: {
            "state": record["state"],
            "verdicts": verdicts(record),
            "trunk": record["trunk"],
            "probes": len(record["probes"]),
            "seconds": round(seconds, 1),
        }
        for start, (record, seconds) in days.items()
    }
    write_figures(options.json, {"project": project.name, "trouble": trouble, "days": figures})
    return 1 if trouble else 0


def _day(place: Path, start: str) -> tuple[Record, float]:
    begun = time.monotonic()
    arguments = ["--release", start, "--state", str(place / "state"), "--date", "2026-11-26"]
    options = parse_options(arguments, session="integrate", called_from=place, home=place)
    return record_data(integrate(options, Console(to_stderr=True))), time.monotonic() - begun


def prepare(source: Path, place: Path, project: Project, count: int) -> Stage:
    """Make in ``place`` the scratch repository, its configuration and its tickets.

    Raises :class:`SourceError` if ``source`` has no such release, or not enough pull requests.
    """
    repository = clone(source, place / "project.git", bare=True)
    line = repository.git(
        "rev-list", "--first-parent", "--reverse", f"{project.release}..{project.branch}"
    ).text.split()
    requests = find_requests(source, repository, line)
    at, chosen = _choose(repository, project, line, requests, count)
    bad = _changed(repository, line[at // 2], project.path, project.old, project.new, place)
    tip = _merged(repository, bad, line[at])
    if tip is None:
        raise SourceError(f"The bad commit does not merge with {line[at]}.")
    repository.git("update-ref", f"refs/heads/{project.branch}", tip)
    guilty = min(request.number for request in chosen)
    tickets = []
    for request in chosen:
        head = _merged(repository, request.tip, tip)
        if head is None:
            continue
        if request.number == guilty:
            head = _changed(
                repository, head, project.test_file, "", "\n\ndef test_of_the_ticket():\n    assert 0\n", place
            )
        repository.git("update-ref", f"refs/pull/{request.number}/head", head)
        title = repository.git("log", "-1", "--format=%s", request.tip).text
        title = re.sub(r'[\\"\x00-\x1f]', " ", title)
        ref = f"refs/pull/{request.number}/head"
        tickets.append(f'[[ticket]]\nnumber = {request.number}\ntitle = "{title}"\nbranch = "{ref}"\n')
    (place / "tickets.toml").write_text("\n".join(tickets), encoding="utf-8")
    quoted = {key: ", ".join(f'"{each}"' for each in getattr(project, key)) for key in ("packages", "files")}
    text = _CONFIG.replace("{run}", project.run.replace("\\", "\\\\")).replace("{name}", project.name)
    for key, value in quoted.items():
        text = text.replace(f"[{{{key}}}]", f"[{value}]")
    (place / "integration.toml").write_text(text, encoding="utf-8")
    return Stage(bad=bad, guilty=guilty, numbers=tuple(request.number for request in chosen))


def find_requests(source: Path, repository: Repository, line: Sequence[str]) -> list[Request]:
    """Find the pull requests that start at main after the release, newest first."""
    arguments = ("for-each-ref", "--format=%(objectname) %(refname)", "refs/pull")
    rows = [
        row.split() for row in run(source, *arguments, own_config=True).stdout.splitlines() if row.endswith("/head")
    ]
    tips = {int(ref.split("/")[2]): tip for tip, ref in rows}
    log = repository.git("log", "-z", "--first-parent", "--format=%H%x09%P%x09%s", f"{line[0]}^..{line[-1]}").fields()
    commits = [row.split("\t", 2) for row in log]
    named = namings_in(((commit, subject) for commit, _, subject in commits), merge_subjects())
    places = {commit: place for place, commit in enumerate(line)}
    merged = {number: float(places[naming.commit]) for number, naming in named.items() if naming.commit in places}
    if not tips:  # a clone without pull requests, whose branch merged them
        parents = {commit: ids.split() for commit, ids, _ in commits}
        tips = {n: parents[each.commit][1] for n, each in named.items() if len(parents[each.commit]) == 2}
    found = []
    for number, tip in sorted(tips.items(), reverse=True)[:_NEWEST]:
        own = repository.git("rev-list", "--parents", tip, f"^{line[0]}^").text.splitlines()
        start = max((places[each] for row in own for each in row.split() if each in places), default=None)
        if start is not None and tip not in places:
            found.append(Request(number=number, tip=tip, start=start, merged=merged.get(number, float("inf"))))
    return found


def _choose(
    repository: Repository, project: Project, line: Sequence[str], requests: Sequence[Request], count: int
) -> tuple[int, list[Request]]:
    """Return the latest place in main's line at which enough pull requests are open and merge with it, and these."""
    for at in range(len(line) - 1, 1, -1):
        open_ = [each for each in requests if each.start <= at < each.merged]
        if len(open_) < count or not _has(repository, f"{line[at]}:{project.path}", project.old):
            continue
        chosen = [each for each in open_[: 3 * count] if _merged(repository, each.tip, line[at])][:count]
        if len(chosen) == count:
            return at, chosen
    raise SourceError(f"There are not {count} pull requests that start at {project.branch} after {project.release}.")


def _has(repository: Repository, name: str, text: str) -> bool:
    return text in repository.git("cat-file", "blob", name).out.decode()


def _merged(repository: Repository, ours: str, theirs: str) -> str | None:
    reply = repository.git("merge-tree", "--write-tree", ours, theirs, ok=(0, 1))
    if reply.status:
        return None
    message = f"tree {reply.text}\nparent {ours}\nparent {theirs}\nauthor {WHO}\ncommitter {WHO}\n\nMerge main\n"
    return repository.write_commit(message.encode())


def _changed(repository: Repository, commit: str, path: str, old: str, new: str, place: Path) -> str:
    """Return a commit on top of another in which ``old`` is ``new``, or in which ``new`` stands at the file's end."""
    index = {"GIT_INDEX_FILE": str(place / "index")}
    repository.git("read-tree", commit, env=index)
    text = repository.git("cat-file", "blob", f":{path}", env=index).out.decode()
    if old and old not in text:
        raise SourceError(f"{path} at {commit} has no {old!r}.")
    changed = text.replace(old, new, 1) if old else text + new
    blob = repository.git("hash-object", "-w", "--stdin", put=changed.encode()).text
    repository.git("update-index", "--cacheinfo", f"100644,{blob},{path}", env=index)
    tree = repository.git("write-tree", env=index).text
    content = f"tree {tree}\nparent {commit}\nauthor {WHO}\ncommitter {WHO}\n\nBreak something\n"
    return repository.write_commit(content.encode())


def verdicts(record: Record) -> dict[str, str]:
    """Return what became of each ticket."""
    return {str(ticket["number"]): ticket["verdict"] for ticket in record["tickets"]}


def judge(project: Project, stage: Stage, records: Sequence[Record]) -> list[str]:
    """Return what is not as it should be."""
    trouble = [f"a day is {record['state']}: {record['message']}" for record in records if record["state"] != "green"]
    tag, branch = (verdicts(record) for record in records)
    if tag != branch:
        trouble.append(f"the days differ: {sorted(set(tag.items()) ^ set(branch.items()))}")
    broken = {broke["test"]: broke["commit"] for broke in records[0]["trunk"]["broke"]}
    for record in records:
        blamed = {ticket["number"]: {each["test"] for each in ticket["broke"]} for ticket in record["tickets"]}
        # A real pull request may break a test of its own: only what main broke must be nobody's.
        trouble += [f"#{number} is blamed for main" for number, tests in blamed.items() if tests & broken.keys()]
        if not any("test_of_the_ticket" in test for test in blamed[stage.guilty]):
            trouble.append(f"#{stage.guilty} is not found")
    if {commit for test, commit in broken.items() if project.breaks in test} != {stage.bad}:
        trouble.append(f"main's commit {stage.bad[:10]} is not named")
    return trouble


def _show(project: Project, stage: Stage, days: Mapping[str, tuple[Record, float]], trouble: Sequence[str]) -> None:
    table = Table(title=f"{len(stage.numbers)} pull requests of {project.name}", title_justify="left")
    for column in ("day from", "state", "verdicts", "main's commits", "main broke", "probes", "seconds"):
        table.add_column(column)
    for start, (record, seconds) in days.items():
        counts = list(verdicts(record).values())
        summary = ", ".join(f"{counts.count(verdict)} {verdict}" for verdict in sorted(set(counts)))
        trunk = record["trunk"] or {"commits": 0, "broke": []}
        cells = (start, record["state"], summary, str(trunk["commits"]), str(len(trunk["broke"])))
        table.add_row(*cells, str(len(record["probes"])), f"{seconds:.0f}")
    console = RichConsole(highlight=False)
    console.width = max(console.width, 110)
    console.print(table)
    console.print(
        "\n".join(trouble) or "Nobody is blamed for main, and both days give the same verdicts.", markup=False
    )


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser(
        "bases", "Pull requests that start at main after a release: from the tag, and from the branch."
    )
    parser.add_argument("--repository", type=folder, required=True, metavar="DIR", help="a clone; it is only read")
    parser.add_argument("--project", choices=sorted(PROJECTS), required=True, help="which project that is")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="pull requests (%(default)s)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
