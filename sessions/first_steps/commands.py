"""Detect from a project's files how it runs its tests and builds its manual. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessions.first_steps.files import Files, TestCommand, inside
from sessions.first_steps.installation import installation
from sessions.first_steps.pins import at_locked_versions
from sessions.first_steps.pytest_command import pytest_check, pytest_settings
from sessions.first_steps.requirements import manual_requirements, requirements
from sessions.first_steps.runners import runner_checks
from sessions.first_steps.script_runners import script_checks

_MAKE = re.compile(r"^(check|test|tests)[ \t]*:(?!=)", re.MULTILINE)
_NOX_SESSION = re.compile(r"@nox\.session[^\n]*(?:\n[^\n]*)*?\ndef (tests?|unit\w*)\(|nox\.session\(name=[\"'](tests?)")

# What builds a project in another language.
_OTHER_BUILDS = (
    "CMakeLists.txt",
    "configure.ac",
    "meson.build",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "go.mod",
    "Cargo.toml",
    "package.json",
    "composer.json",
    "Gemfile",
    "Makefile.PL",
)


def how_tested(files: Files, version: str = "") -> TestCommand | None:
    """Return the best test command for release ``version``: one that reports single tests, if possible."""
    return next(_tests(files, version), None)


def how_tested_in(files: Files, folder: str, version: str = "") -> TestCommand | None:
    """Return the best test command of a project in a ``folder`` of the repository, or else of the whole repository."""
    own = how_tested(files.below(folder), version) if folder else None
    return own.in_folder(folder) if own else how_tested(files, version)


def _is_foreign(files: Files) -> bool:
    """Whether the project is in another language than Python, so that files of pytest test a part of it at most."""
    pyproject = files.table("pyproject.toml")
    is_python = "setup.py" in files.paths or files.settings("setup.cfg").has_section("metadata")
    is_python = is_python or any(inside(pyproject, key) for key in ("project", "build-system"))
    return not is_python and not pytest_settings(files).path and any(name in files.paths for name in _OTHER_BUILDS)


def how_documented(files: Files, version: str = "") -> TestCommand | None:
    """Return the command that builds the manual of release ``version``; ``None`` if there is no sign of one."""
    made = installation(files, "", version)
    needs = (*made.needs, *requirements(files, "doc", "docs"))
    if confs := sorted(files.like("doc*/conf.py", "Doc*/conf.py"), key=_depth_of_conf):
        folder = confs[0].rpartition("/")[0]
        run = f"{made.path}python3 -m sphinx -q -b html {folder} build/integrand-docs"
        return TestCommand(
            name="docs",
            run=run,
            why=f"Sphinx, as there is {confs[0]}",
            build=made.build,
            build_why=made.why,
            needs=at_locked_versions(files, (*needs, *manual_requirements(files, folder), "sphinx")),
        )
    if book := files.like("mkdocs.yml", "mkdocs.yaml"):
        run = f"{made.path}python3 -m mkdocs build -q -d build/integrand-docs"
        return TestCommand(
            name="docs",
            run=run,
            why=f"as there is {book[0]}",
            build=made.build,
            build_why=made.why,
            needs=at_locked_versions(files, (*needs, "mkdocs")),
        )
    return None


def _depth_of_conf(path: str) -> tuple[int, bool, str]:
    """Sort key: the file nearest to the repository's top, preferably in a folder of sources."""
    return path.count("/"), path.split("/")[-2] not in ("source", "src"), path


def dockerfile(files: Files) -> tuple[str, str] | None:
    """Return the project's Dockerfile, and the folder of the source in its image; ``None`` if there is none."""
    names = files.like("Dockerfile", "docker/Dockerfile", ".devcontainer/Dockerfile")
    if not names:
        return None
    name = min(names, key=lambda path: (path.count("/"), path))
    # The last one counts: earlier ones usually belong to other stages.
    places = re.findall(r"^\s*WORKDIR\s+(/[\w./-]+)\s*$", files.text(name), re.MULTILINE | re.IGNORECASE)
    return name, places[-1] if places else "/source"


def _tests(files: Files, version: str) -> Iterator[TestCommand]:
    pytest = pytest_check(files, version)
    if pytest and not _is_foreign(files):
        yield pytest
    yield from runner_checks(files)
    yield from script_checks(files)
    for name, run, why in (
        ("tox.ini", "python3 -m tox run -q -e py", "tox"),
        ("noxfile.py", f"python3 -m nox -s {_nox_session(files)}", "nox"),
    ):
        if name in files.paths:
            yield TestCommand(name="tests", run=run, why=f"{why}, as there is {name}", needs=(why,))
    if "configure.ac" in files.paths and "Makefile.am" in files.paths:
        build = "{ test -x configure || autoreconf -i; } && ./configure && make -j"
        yield TestCommand(name="tests", run="make -j {jobs} check", why="the Autotools' own target", build=build)
    if found := _MAKE.search(files.text("GNUmakefile", "Makefile", "makefile")):
        yield TestCommand(name="tests", run=f"make {found[1]}", why=f"the Makefile has a target {found[1]}")
    cargo = "cargo test -q --no-fail-fast"
    cargo += " --workspace" if inside(files.table("Cargo.toml"), "workspace") is not None else ""
    for name, run in (("Cargo.toml", cargo), ("package.json", "npm test")):
        if name in files.paths:
            yield TestCommand(name="tests", run=run, why=f"as there is {name}")
    if pytest:
        yield pytest


def _nox_session(files: Files) -> str:
    found = _NOX_SESSION.search(files.text("noxfile.py"))
    return (found[1] or found[2]) if found else "tests"
