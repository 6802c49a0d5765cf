"""How a project tests itself and makes its manual, read from its files. Pure."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Literal

import nox
from packaging.requirements import InvalidRequirement, Requirement

Format = Literal["junit", "exit"]


@dataclass(frozen=True)
class Files:
    """The release's files: all paths, and what is in one of them."""

    paths: frozenset[str]
    content: Callable[[str], str]

    def text(self, *names: str) -> str:
        """The content of the first of these files that is there, or nothing."""
        return next((self.content(name) for name in names if name in self.paths), "")

    def like(self, *globs: str) -> list[str]:
        """The paths that one of these globs fits, sorted; ``*`` stands for any folders, too."""
        return sorted(path for path in self.paths if any(fnmatch(path, glob) for glob in globs))

    def table(self, name: str) -> dict[str, Any]:
        """A TOML file; empty where it is not there, or broken."""
        try:
            return tomllib.loads(self.text(name))
        except tomllib.TOMLDecodeError:
            return {}

    def settings(self, name: str) -> configparser.RawConfigParser:
        """An INI file; empty where it is not there, or broken."""
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(self.text(name))
        except configparser.Error:
            return configparser.RawConfigParser()
        return parser


@dataclass(frozen=True, kw_only=True)
class Check:
    """A command that becomes a gate, and ``why`` it was taken, for the comment above it."""

    name: str
    run: str
    why: str
    format: Format = "exit"
    files: tuple[str, ...] = ()
    build: str = ""
    needs: tuple[str, ...] = ()


_MAKE = re.compile(r"^(check|test|tests)[ \t]*:(?!=)", re.MULTILINE)
_NOX_SESSION = re.compile(r"@nox\.session[^\n]*(?:\n[^\n]*)*?\ndef (tests?|unit\w*)\(|nox\.session\(name=[\"'](tests?)")
_PYTEST = "python3 -m pytest -q -p no:cacheprovider --junit-xml {results} -o junit_family=xunit1 {files}"


def how_tested(files: Files) -> Check | None:
    """The best known way to test the project: one that names single tests before one that only fails or passes."""
    return next(_tests(files), None)


def how_documented(files: Files) -> Check | None:
    """How the project makes its manual; ``None`` where there is no sign of one."""
    needs = _requirements(files, "doc", "docs")
    if confs := sorted(files.like("doc*/conf.py", "Doc*/conf.py"), key=lambda path: (path.count("/"), path)):
        folder = confs[0].rpartition("/")[0]
        run = f"python3 -m sphinx -q -b html {folder} build/integrand-docs"
        return Check(name="docs", run=run, why=f"Sphinx, as there is {confs[0]}", needs=(*needs, "sphinx"))
    if book := files.like("mkdocs.yml", "mkdocs.yaml"):
        run = "python3 -m mkdocs build -q -d build/integrand-docs"
        return Check(name="docs", run=run, why=f"as there is {book[0]}", needs=(*needs, "mkdocs"))
    return None


def dockerfile(files: Files) -> tuple[str, str] | None:
    """The project's own Dockerfile, and the folder in which its image holds the source; ``None`` where none is."""
    names = files.like("Dockerfile", "docker/Dockerfile", ".devcontainer/Dockerfile")
    if not names:
        return None
    name = min(names, key=lambda path: (path.count("/"), path))
    # Of several, the last: earlier ones are mostly of other stages.
    places = re.findall(r"^\s*WORKDIR\s+(/[\w./-]+)\s*$", files.text(name), re.MULTILINE | re.IGNORECASE)
    return name, places[-1] if places else "/source"


def _tests(files: Files) -> Iterator[Check]:
    if pytest := _pytest(files):
        yield pytest
    for name, run, why in (
        ("tox.ini", "python3 -m tox run -q -e py", "tox"),
        ("noxfile.py", f"python3 -m nox -s {_nox_session(files)}", "nox"),
    ):
        if name in files.paths:
            yield Check(name="tests", run=run, why=f"{why}, as there is {name}", needs=(why,))
    if "CMakeLists.txt" in files.paths and "enable_testing" in files.text("CMakeLists.txt"):
        build = "cmake -S . -B build && cmake --build build -j"
        run = "ctest --test-dir build --output-junit {results}"
        yield Check(name="tests", run=run, why="CTest, as CMakeLists.txt enables it", format="junit", build=build)
    if "configure.ac" in files.paths and "Makefile.am" in files.paths:
        build = "{ test -x configure || autoreconf -i; } && ./configure && make -j"
        yield Check(name="tests", run="make -j {jobs} check", why="the Autotools' own target", build=build)
    if found := _MAKE.search(files.text("GNUmakefile", "Makefile", "makefile")):
        yield Check(name="tests", run=f"make {found[1]}", why=f"the Makefile has a target {found[1]}")
    for name, run in (("Cargo.toml", "cargo test -q"), ("go.mod", "go test ./..."), ("package.json", "npm test")):
        if name in files.paths:
            yield Check(name="tests", run=run, why=f"as there is {name}")


def _pytest(files: Files) -> Check | None:
    """Pytest, where it is configured or asked for, or where there are tests that it would find."""
    found = files.like("test_*.py", "*/test_*.py", "*_test.py")
    if not found:
        return None
    needs = _requirements(files, "test", "tests", "testing", "dev")
    asked = any(Requirement(each).name == "pytest" for each in needs)
    if why := _pytest_configured(files):
        why = f"pytest, as {why}"
    elif asked or files.like("conftest.py", "*/conftest.py"):
        why = "pytest, which the project asks for"
    else:
        why = "pytest runs unittest's tests too, and tells them apart"
    first = {path.split("/")[0] if "/" in path else "" for path in found}
    globs = [f"{each}/**/{name}" if each else name for each in sorted(first) for name in _names(found, each)]
    path = "PYTHONPATH=src " if files.like("src/*.py") else ""
    needs = needs if asked else (*needs, "pytest")
    return Check(name="tests", run=path + _PYTEST, why=why, format="junit", files=tuple(globs), needs=needs)


def _names(found: list[str], folder: str) -> list[str]:
    inside = [path.rsplit("/", 1)[-1] for path in found if folder == (path.split("/")[0] if "/" in path else "")]
    ways = {"test_*.py": any(name.startswith("test_") for name in inside)}
    ways["*_test.py"] = any(not name.startswith("test_") for name in inside)
    return [name for name, used in ways.items() if used]


def _pytest_configured(files: Files) -> str:
    if _inside(files.table("pyproject.toml"), "tool", "pytest") is not None:
        return "pyproject.toml configures it"
    for name, section in (("pytest.ini", "pytest"), ("setup.cfg", "tool:pytest"), ("tox.ini", "pytest")):
        if files.settings(name).has_section(section):
            return f"{name} configures it"
    return "tox.ini runs it" if "pytest" in files.text("tox.ini") else ""


def _nox_session(files: Files) -> str:
    found = _NOX_SESSION.search(files.text("noxfile.py"))
    return (found[1] or found[2]) if found else "tests"


def _requirements(files: Files, *topics: str) -> tuple[str, ...]:
    """What the project itself needs, and what it asks for under the first of these topics; each package once."""
    own = [
        *_texts(_inside(files.table("pyproject.toml"), "project", "dependencies")),
        *files.settings("setup.cfg").get("options", "install_requires", fallback="").splitlines(),
    ]
    asked = (list(_asked_for(files, topic)) for topic in topics)
    found = filter(None, map(_requirement, [*own, *next(filter(None, asked), [])]))
    return tuple({each.name.lower(): str(each) for each in found}.values())


def _asked_for(files: Files, topic: str) -> Iterator[str]:
    pyproject, setup = files.table("pyproject.toml"), files.settings("setup.cfg")
    yield from _texts(_inside(pyproject, "project", "optional-dependencies", topic))
    yield from setup.get("options.extras_require", topic, fallback="").splitlines()
    if _inside(pyproject, "dependency-groups", topic):
        with suppress(LookupError, TypeError, ValueError):  # a group that names itself, or none
            yield from nox.project.dependency_groups(pyproject, topic)
    for name in (f"requirements-{topic}.txt", f"{topic}-requirements.txt", f"requirements/{topic}.txt"):
        yield from files.text(name).splitlines()
    yield from files.text(f"{topic}/requirements.txt").splitlines()


def _inside(table: Any, *keys: str) -> Any:
    """What is at a path of keys; ``None`` where the file is made otherwise than its format says."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _requirement(line: str) -> Requirement | None:
    """A line of a file of requirements; ``None`` for an option, a comment, or an address without a name."""
    try:
        return Requirement(line.split(" #", maxsplit=1)[0])
    except InvalidRequirement:
        return None
