"""`nox -s init` on clones of projects of different shapes, and the plan that comes right after it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.main import run_init, run_session
from sessions.settings.configuration import Config
from sessions.settings.configuration_file import load_config
from sessions.settings.options import parse_options
from sessions.terminal.console import Console
from sessions.terminal.typed_commands import noxfile_option
from tests.repositories import SUBMODULE, Builder, run_git

Record = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = "[tool.pytest.ini_options]\n[dependency-groups]\ntest = ['pytest', 'pretend']\n"
# Where mirrors of the real projects may lie; they are no part of this one.
MIRRORS = os.environ.get("INTEGRAND_MIRRORS", "")


@pytest.fixture
def origin(builder: Builder) -> Builder:
    """As packaging is: squashed, with a src folder, requests kept for ever, and some open ones."""
    texts = {
        "pyproject.toml": PYPROJECT,
        "src/p/__init__.py": "x = 1\ny = 1\n",
        "tests/test_p.py": "",
        "docs/conf.py": "",
    }
    base = builder.commit(texts)
    builder.tag("1.0")
    for number, change in {2: "x = 2\ny = 1\n", 3: "x = 3\ny = 1\n", 4: "x = 1\ny = 1\n# four\n"}.items():
        builder.commit(
            {"src/p/__init__.py": change}, base, branch=f"refs/pull/{number}/head", message=f"Number {number}"
        )
        builder.git("update-ref", f"refs/pull/{number}/merge", base)
    builder.commit({"n": ""}, base, branch="refs/pull/1/head")
    builder.commit({"n": ""}, base, branch="main", message="One (#1)")
    return builder


def clone(url: str, folder: Path) -> Path:
    run_git("clone", "--quiet", url, str(folder), cwd=folder.parent)
    return folder


def plan(folder: Path) -> Record:
    words = ("--plan", "--date", "2026-11-23")
    options = parse_options(words, session="integrate", called_from=folder, home=ROOT)
    return record_data(integrate(options, Console(to_stderr=True)))


def verdicts(record: Record) -> dict[int, str]:
    return {ticket["number"]: ticket["verdict"] for ticket in record["tickets"]}


def config_text(folder: Path) -> str:
    return (folder / "integration.toml").read_text()


def written(folder: Path, *words: str) -> Config:
    assert run_init(words, folder) is None
    return load_config(folder / "integration.toml")


def test_a_fresh_clone_is_planned_at_once(origin: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = clone(origin.url, tmp_path / "p")
    config = written(folder)
    assert config.project.repository == origin.url
    assert config.project.name == "p"
    assert config.tickets[0].url == "tickets.toml"
    assert [(gate.name, gate.format) for gate in config.gates] == [("tests", "junit"), ("docs", "exit")]
    assert config.gates[0].run.startswith("PYTHONPATH=src python3 -m pytest ")
    assert config.engine.packages == ("pretend", "pytest", "sphinx")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", config.engine.packages_until)
    assert "-s integrate -- --plan" in capsys.readouterr().out
    assert verdicts(plan(folder)) == {2: "integrated", 3: "conflict", 4: "integrated"}


def test_where_requests_start_ahead_of_the_release_the_day_does_too(origin: Builder, tmp_path: Path) -> None:
    ahead = origin.commit({"ahead": ""}, branch="main")
    for number in (2, 3):
        origin.commit({f"new{number}": ""}, ahead, branch=f"refs/pull/{number}/head", message=f"Number {number}")
    folder = clone(origin.url, tmp_path / "p")
    config = written(folder)
    assert config.project.release == "branch:main"
    text = " ".join((folder / "integration.toml").read_text().replace("\n#", "").split())
    assert "2 of 3 open requests start at main, which is 2 commits ahead of 1.0: so the day starts from its" in text
    record = plan(folder)
    assert record["release"] == f"1.0-2-g{ahead[:10]}"
    assert verdicts(record) == {2: "integrated", 3: "integrated", 4: "integrated"}
    assert record["trunk"] is None


def test_where_few_requests_start_ahead_the_release_is_the_start(origin: Builder, tmp_path: Path) -> None:
    ahead = origin.commit({"ahead": ""}, branch="main")
    origin.commit({"new2": ""}, ahead, branch="refs/pull/2/head", message="Number 2")
    folder = clone(origin.url, tmp_path / "p")
    assert written(folder).project.release == "latest"
    record = plan(folder)
    assert record["trunk"] == {"name": "main", "commit": ahead, "commits": 2, "broke": []}


def test_of_several_kinds_of_tags_the_plain_ones_are_written_down(origin: Builder, tmp_path: Path) -> None:
    origin.tag("v1.1", "1.0")
    origin.tag("chart-9.0", "main")
    folder = clone(origin.url, tmp_path / "p")
    config = written(folder)
    assert (config.project.tags, config.project.release) == ("v*", "latest")
    assert plan(folder)["release"] == "v1.1"


def test_kinds_of_tags_none_of_which_is_plain_must_be_told_apart(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": ""})
    for tag in ("core/v1.0", "cli/v2.0"):
        builder.tag(tag)
    folder = clone(builder.url, tmp_path / "p")
    assert written(folder).project.release == "branch:main"
    assert "# Several kinds of tags look like releases (cli/v2.0, core/v1.0)" in config_text(folder)
    assert plan(folder)["release"] in ("cli/v2.0", "core/v1.0")
    for file in ("integration.toml", "tickets.toml"):
        (folder / file).unlink()
    config = written(folder, "--tags", "core/v*")
    assert (config.project.tags, plan(folder)["release"]) == ("core/v*", "core/v1.0")


def test_a_typed_release_is_taken_whatever_other_tags_there_are(builder: Builder, tmp_path: Path) -> None:
    old = builder.commit({"a": ""})
    builder.tag("curl-8_21_0")
    builder.commit({"b": ""}, old, branch="fix-7", message="Fix")
    builder.commit({"a": "2"}, old)
    for tag in ("tiny-curl-8_4_0", "curl-8_22_0"):
        builder.tag(tag)
    folder = clone(builder.url, tmp_path / "p")
    assert written(folder, "--yes", "--release", "curl-8_21_0").project.release == "curl-8_21_0"
    record = plan(folder)
    assert (record["release"], record["base"], verdicts(record)) == ("curl-8_21_0", old, {7: "integrated"})


@pytest.mark.parametrize("lost", ["{tip}:d/x", "{tip}:d", "{tip}"])
def test_a_request_that_cannot_be_fetched_is_left_out_and_named(
    origin: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    tip = origin.commit({"d/x": "lost"}, "1.0", branch="refs/pull/3/head", message="Number 3")
    _lose(origin, lost.format(tip=tip))
    folder = tmp_path / "p"
    folder.mkdir()
    assert written(folder, "--yes", "--repository", origin.url).project.release == "latest"
    assert "left out: refs/pull/3/head, as it cannot be fetched" in " ".join(capsys.readouterr().out.split())
    assert "# Left out: refs/pull/3/head, as it cannot be fetched" in (folder / "tickets.toml").read_text()
    assert verdicts(plan(folder)) == {2: "integrated", 4: "integrated"}


@pytest.mark.parametrize("lost", ["main:n", "main^{tree}", "main"])
def test_a_default_branch_that_cannot_be_fetched_is_left_out_and_named(
    origin: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    origin.commit({"n": "of main alone"}, "main", branch="main", message="Five (#5)")
    _lose(origin, lost)
    folder = tmp_path / "p"
    folder.mkdir()
    config = written(folder, "--yes", "--repository", origin.url)
    assert (config.project.release, config.tickets[0].target) == ("latest", "*")
    assert verdicts(plan(folder))[2] == "integrated"
    assert "the default branch was left out: it cannot be fetched" in " ".join(capsys.readouterr().err.split())


def test_a_request_that_a_partial_copy_lacks_is_left_out_and_named(origin: Builder, tmp_path: Path) -> None:
    tip = origin.commit({"d/x": "lost"}, "1.0", branch="refs/pull/3/head", message="Number 3")
    origin.git("config", "extensions.partialClone", "origin")
    origin.git("config", "core.repositoryFormatVersion", "1")
    origin.git("config", "remote.origin.url", str(tmp_path / "nowhere"))
    origin.git("config", "remote.origin.promisor", "true")
    _lose(origin, f"{tip}:d/x")
    folder = tmp_path / "p"
    folder.mkdir()
    written(folder, "--yes", "--repository", origin.url)
    assert "# Left out: refs/pull/3/head, as " in (folder / "tickets.toml").read_text()
    assert verdicts(plan(folder)) == {2: "integrated", 4: "integrated"}


def _lose(builder: Builder, name: str) -> None:
    """Remove an object, as a damaged or partial copy lacks it."""
    found = builder.git("rev-parse", name)
    (builder.path / "objects" / found[:2] / found[2:]).unlink()


def test_a_project_without_a_release_starts_from_its_branch(builder: Builder, tmp_path: Path) -> None:
    tip = builder.commit({"a": ""})
    builder.commit({"b": ""}, tip, branch="fix-7", message="Fix")
    folder = clone(builder.url, tmp_path / "p")
    assert written(folder).project.release == "branch:main"
    record = plan(folder)
    assert (record["release"], verdicts(record)) == (f"main-g{tip[:10]}", {7: "integrated"})


def test_an_origin_that_cannot_be_reached_leaves_the_clone_itself(origin: Builder, tmp_path: Path) -> None:
    folder = clone(origin.url, tmp_path / "p")
    run_git("checkout", "-q", "-b", "issue-8", "1.0", cwd=folder)
    (folder / "new").write_text("")
    run_git("add", "new", cwd=folder)
    run_git("commit", "-q", "-m", "New", cwd=folder)
    run_git("checkout", "-q", "main", cwd=folder)
    run_git("remote", "set-url", "origin", "https://jane:s3cret@127.0.0.1:9/you/thing.git", cwd=folder)
    config = written(folder)
    text = (folder / "integration.toml").read_text()
    assert (config.project.repository, config.project.name) == (".", "thing")
    assert "s3cret" not in text
    assert verdicts(plan(folder)) == {8: "integrated"}
    assert len(list((folder / ".integrand" / "mirrors").iterdir())) == 1  # the plan finds all that init fetched


def test_without_a_token_github_is_only_mentioned(
    origin: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clone(origin.url, tmp_path / "p")
    config = written(folder, "--repository", origin.url)
    assert config.tickets[0].tracker == "file"
    (folder / "integration.toml").unlink()
    (folder / "tickets.toml").unlink()
    run_git("remote", "set-url", "origin", "git@github.com:you/thing.git", cwd=folder)
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    written(folder)
    text = (folder / "integration.toml").read_text()
    assert '# url = "https://github.com/you/thing"' in text
    assert "set GH_TOKEN or GITHUB_TOKEN" in " ".join(text.replace("\n#", "").split())
    assert verdicts(plan(folder)) == {}


def test_a_tracker_that_init_does_not_read_is_named_in_a_whole_sentence(
    origin: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = clone(origin.url, tmp_path / "p")
    written(folder, "--yes", "--tracker", "https://trac.example.org")
    assert "tickets: trac, as you said so" in " ".join(capsys.readouterr().out.split())
    assert "# You said so." in config_text(folder)


def test_what_is_typed_wins(origin: Builder, tmp_path: Path) -> None:
    folder = clone(origin.url, tmp_path / "p")
    words = (
        "--tests",
        "make {results}",
        "--docs",
        "-",
        "--milestone",
        "current",
        "--ready",
        "a, b",
        "--release",
        "1.0",
    )
    config = written(folder, *words, "--tracker", "mine.toml")
    assert [(gate.run, gate.format) for gate in config.gates] == [("make {results}", "junit")]
    assert (config.tickets[0].url, config.tickets[0].ready, config.project.release) == ("mine.toml", ("a", "b"), "1.0")


def test_a_dockerfile_becomes_the_recipe(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"Dockerfile": "FROM debian\nWORKDIR /app\n", "Makefile": "check:\n\ttrue\n"})
    builder.tag("v2.0")
    config = written(clone(builder.url, tmp_path / "My Project"))
    assert (config.engine.recipe, config.engine.source, config.engine.kind) == ("Dockerfile", "/app", "auto")
    assert config.engine.baseline == "my-project:{release}"


def test_hostile_names_stay_text(builder: Builder, tmp_path: Path) -> None:
    base = builder.commit({"Makefile": "test:\n"})
    builder.tag("1")
    builder.commit({"a": ""}, base, branch='x"]\u2028y', message='"""]\n[[ticket]]\nnumber = 7')
    folder = clone(builder.url, tmp_path / "p")
    written(folder)
    assert verdicts(plan(folder)) == {1: "integrated"}


@pytest.mark.parametrize("name", ["integration.toml", "tickets.toml"])
def test_nothing_is_ever_overwritten(origin: Builder, tmp_path: Path, name: str) -> None:
    folder = clone(origin.url, tmp_path / "p")
    (folder / name).write_text("mine")
    trouble = run_init((), folder)
    assert trouble
    assert f"{name} exists, and is not overwritten" in trouble
    assert (folder / name).read_text() == "mine"
    assert len({"integration.toml", "tickets.toml"} & {path.name for path in folder.iterdir()}) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "is in no git repository"),
        (("--tets", "x"), "Type `nox -s init -- --help`"),
        (("--repository", "nowhere"), "cannot be read as a git repository"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    trouble = run_init(words, tmp_path)
    assert trouble
    assert told in trouble
    assert not (tmp_path / "integration.toml").exists()
    assert words or not list(tmp_path.iterdir())  # no state folder where there is no project


def test_a_project_without_anything_is_told_to_tag_a_release(builder: Builder, tmp_path: Path) -> None:
    trouble = run_init((), clone(builder.url, tmp_path / "p"))
    assert trouble
    assert "no tag that reads as a version" in trouble


def test_a_person_at_a_terminal_is_asked(origin: Builder, tmp_path: Path) -> None:
    import pty

    folder = clone(origin.url, tmp_path / "p")
    leader, follower = pty.openpty()
    code = (
        "import sys; from pathlib import Path; from sessions.main import run_init; sys.exit(run_init([], Path.cwd()))"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "dumb"}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=env, stdin=follower, stdout=follower)
    os.close(follower)
    # repository, tracker, milestone, ready, release, tests, docs, Dockerfile, .gitignore, and whether to try the gates
    os.write(leader, b"\n\n\nready\n\nmake check\n-\n\n\n\n")
    said = b""
    while process.poll() is None or not said:
        try:
            said += os.read(leader, 4096)
        except OSError:
            break
    assert process.wait() == 0, said.decode()
    os.close(leader)
    assert "How is it tested?" in said.decode()
    config = load_config(folder / "integration.toml")
    assert [gate.run for gate in config.gates] == ["make check"]
    assert config.tickets[0].ready == ("ready",)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pypa+packaging", "pre-commit+pre-commit"])
def test_real_projects_are_planned_at_once(tmp_path: Path, name: str) -> None:
    mirror = Path(MIRRORS) / name / "repo"
    if not MIRRORS or not mirror.exists():
        pytest.skip(f"no mirror of {name.replace('+', '/')}: INTEGRAND_MIRRORS names the folder that holds them")
    folder = clone(str(mirror), tmp_path / name.split("+")[1])
    config = written(folder)
    assert "-m pytest" in config.gates[0].run
    assert config.gates[0].format == "junit"
    told = verdicts(plan(folder))
    assert "integrated" in told.values()
    assert set(told.values()) <= {"integrated", "conflict", "blocked", "already-merged"}


REPORT = """import sys
cases = "".join(f'<testcase classname="test_p" name="{n}">{inside}</testcase>' for n, inside in
                (("one", ""), ("two", "<failure message='no'/>"), ("three", "<skipped/>")))
open(sys.argv[1], "w").write(f'<testsuite name="p" tests="3" failures="1" skipped="1">{cases}</testsuite>')
sys.exit(1)
"""


@pytest.fixture
def own(builder: Builder, tmp_path: Path) -> Path:
    """A clone of a project whose tests are a script that writes a report."""
    builder.commit({"report.py": REPORT})
    builder.tag("1.0")
    return clone(builder.url, tmp_path / "p")


def test_a_gate_that_is_tried_says_what_it_measures(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_init(("--yes", "--try-gates", "--tests", "python3 report.py {results}"), own) is None
    said = capsys.readouterr().out
    assert "tests: 1 passed, 1 failed (known from now on), 1 skipped on 1.0, in " in said
    assert "-s integrate -- --plan" in said


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("pytst {results}", "pytst: not found. Correct `run` of gate tests or its requirements: install pytst."),
        (
            "python3 -c 'import foo_bar' {results}",
            "or its requirements: add the Python package that has foo_bar to [engine] packages.",
        ),
        ("echo fine  # {results}", "The end of its log: fine. Correct `run` of gate tests or its requirements."),
    ],
)
def test_a_gate_that_measures_nothing_says_what_to_mend(
    own: Path, capsys: pytest.CaptureFixture[str], run: str, words: str
) -> None:
    trouble = run_init(("--yes", "--try-gates", "--tests", run), own)
    said = " ".join(capsys.readouterr().out.split())
    assert trouble
    assert "integration.toml is written, but tests measured nothing" in trouble
    assert "tests measured nothing on 1.0 (" in said
    assert words in said
    assert load_config(own / "integration.toml").gates[0].run == run


def test_nothing_is_run_unless_asked(own: Path) -> None:
    assert run_init(("--yes", "--tests", "touch /nowhere/at/all {results}"), own) is None
    assert not (own / ".integrand" / "logs").exists()


@pytest.mark.slow
def test_the_command_for_settings_in_a_subfolder_measures(builder: Builder, tmp_path: Path) -> None:
    test = "from app import x\n\ndef test_x():\n    assert x == 1\n\n"
    test += "def test_y():\n    assert open('data').read() == 'y'\n"
    texts = {
        "backend/pytest.ini": "[pytest]\npythonpath = .\n",
        "backend/app.py": "x = 1\n",
        "backend/data": "y",
        "backend/tests/test_app.py": test + "\ndef test_known():\n    assert x == 3\n",
    }
    base = builder.commit(texts)
    builder.tag("1.0")
    builder.commit({"backend/app.py": "x = 2\n"}, base, branch="refs/pull/2/head")
    builder.commit({"backend/other.py": ""}, base, branch="refs/pull/3/head")
    builder.commit({}, base, branch="main")
    folder = clone(builder.url, tmp_path / "p")
    config = written(folder)
    assert config.gates[0].run.startswith("cd backend && ")
    text = (folder / "integration.toml").read_text()
    # The Python that runs the tests has pytest: nothing is fetched.
    (folder / "integration.toml").write_text(re.sub(r"(?ms)^packages = \[.*?^\]\n", "", text))
    words = ("--date", "2026-11-23", "--engine", "local")
    options = parse_options(words, session="integrate", called_from=folder, home=ROOT)
    record = record_data(integrate(options, Console(to_stderr=True)))
    assert verdicts(record) == {2: "culprit", 3: "integrated"}
    assert record["gates"]["tests"]["ran"]["head"] == {"tests": 3, "passed": 2, "failed": 1, "skipped": 0}


def test_yes_lets_git_ignore_what_is_left_in_the_clone(origin: Builder, tmp_path: Path) -> None:
    folder = clone(origin.url, tmp_path / "p")
    (folder / ".gitignore").write_text(".nox\n*.pyc")
    written(folder, "--yes")
    assert (folder / ".gitignore").read_text() == ".nox\n*.pyc\n.integrand/\n"
    assert ".integrand" not in run_git("status", "--porcelain", cwd=folder)
    for file in ("integration.toml", "tickets.toml"):
        (folder / file).unlink()
    written(folder, "--yes")
    assert (folder / ".gitignore").read_text() == ".nox\n*.pyc\n.integrand/\n"


def test_without_a_yes_gitignore_stays_as_it_is(origin: Builder, tmp_path: Path) -> None:
    folder = clone(origin.url, tmp_path / "p")
    written(folder)
    assert not (folder / ".gitignore").exists()


def test_in_a_subfolder_of_a_clone_its_own_tests_are_taken(builder: Builder, tmp_path: Path) -> None:
    base = builder.commit({"core/tests/test_c.py": "", "web/package.json": "{}"})
    builder.tag("1.0")
    builder.commit({"core/x.py": ""}, base, branch="refs/pull/2/head")
    folder = clone(builder.url, tmp_path / "p") / "core"
    config = written(folder, "--yes")
    assert config.gates[0].run.startswith("cd core && python3 -m pytest ")
    assert verdicts(plan(folder)) == {2: "integrated"}


def test_submodules_are_taken_where_they_can_be_fetched(
    builder: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = builder.commit({"x": ""})
    for tag, url, commit in (("1.0", builder.url, inside), ("2.0", str(tmp_path / "nowhere"), "1" * 40)):
        modules = f'[submodule "m"]\npath = m\nurl = {url}\n'
        builder.commit({".gitmodules": modules, "m": (SUBMODULE, commit)}, branch="main")
        builder.tag(tag)
        folder = clone(builder.url, tmp_path / tag)
        assert written(folder, "--yes").project.submodules is (tag == "1.0")
        assert "submodules = " in config_text(folder)
        plan(folder)
    assert "left out: submodules, as " in " ".join(capsys.readouterr().out.split())


def run_day(folder: Path) -> str | None:
    words = ("--engine", "local", "--date", "2026-11-23")
    return run_session(integrate, "integrate", words, folder)


def test_no_test_command_is_told_by_init_and_on_each_day(
    builder: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise, a day on which nothing was tested looks green."""
    base = builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.commit({"a": "2\n"}, base, branch="refs/pull/1/head")
    folder = clone(builder.url, tmp_path / "p")
    assert written(folder).gates[0].run == "true"
    told = capsys.readouterr().out
    assert "No test command was found, so the gate tests runs `true`: write yours into integration.toml\n" in told
    noxfile = noxfile_option(folder, ROOT)
    assert f"next: nox {noxfile}-s integrate -- --plan\n" in told
    assert run_day(folder) is None
    told = capsys.readouterr().out
    assert "Gate tests runs `true`, which tests nothing: write the project's test command as its `run`\n" in told
    assert "    1 is ready, 0 are not\n" in told
    assert f"type `nox {noxfile}-s report` to show it here\n" in told
    assert told.endswith("green: 1 ticket passes every gate.\n")


def test_a_release_that_lacks_a_module_says_which(
    builder: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As ack does, whose tests need File::Next: most fail, and the day is green all the same."""
    ok = "print qq(1..1\\nok 1 - fine\\n);\n"
    broken = "print qq(1..1\\n); use No::Such::Module;\n"
    tests = {f"t/{name}.t": broken for name in "abcdefghijklmnopqrst"}
    base = builder.commit({"Makefile.PL": "", "t/z.t": ok, **tests})
    builder.tag("1.0")
    builder.commit({"a": "2\n"}, base, branch="refs/pull/1/head")
    folder = clone(builder.url, tmp_path / "p")
    written(folder)
    assert run_day(folder) is None
    warned = [line for line in capsys.readouterr().out.splitlines() if "hard to tell" in line]
    assert len(warned) == 1
    assert "20 of 21 tests of tests fail on 1.0 itself" in warned[0]
    assert "are hard to tell from these; install Perl's module No::Such::Module (the whole log is " in warned[0]
