"""The Python packages that a project says it needs, by topic. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import nox
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from sessions.first_steps.files import Files, inside, texts


def requirements(files: Files, *topics: str) -> tuple[str, ...]:
    """What the project itself needs, and what it asks for under the first of these topics; each package once."""
    own = [
        *texts(inside(files.table("pyproject.toml"), "project", "dependencies")),
        *files.settings("setup.cfg").get("options", "install_requires", fallback="").splitlines(),
    ]
    asked = (list(_asked_for(files, topic)) for topic in topics)
    found = filter(None, map(parse_requirement, [*own, *next(filter(None, asked), [])]))
    return tuple({each.name.lower(): str(each) for each in found}.values())


def _asked_for(files: Files, topic: str) -> Iterator[str]:
    pyproject, setup = files.table("pyproject.toml"), files.settings("setup.cfg")
    yield from texts(inside(pyproject, "project", "optional-dependencies", topic))
    yield from setup.get("options.extras_require", topic, fallback="").splitlines()
    if inside(pyproject, "dependency-groups", topic):
        with suppress(LookupError, TypeError, ValueError):  # a group that names itself, or none
            yield from nox.project.dependency_groups(pyproject, topic)
    for name in (f"requirements-{topic}.txt", f"{topic}-requirements.txt", f"requirements/{topic}.txt"):
        yield from files.text(name).splitlines()
    yield from files.text(f"{topic}/requirements.txt").splitlines()


def at_locked_versions(files: Files, needs: Iterable[str]) -> tuple[str, ...]:
    """The same packages, each at the version with which the release was tested, where its ``uv.lock`` has one.

    A lock can hold several of a package, for different Pythons: this one's counts, as it makes the environment.
    """
    locked: dict[str, set[str]] = {}
    packages = files.table("uv.lock").get("package")
    for package in packages if isinstance(packages, list) else ():
        name, version = inside(package, "name"), inside(package, "version")
        if isinstance(name, str) and isinstance(version, str) and _is_for_this_python(package):
            locked.setdefault(normal_name(name), set()).add(version)
    return tuple(_locked(each, locked) for each in needs)


def _is_for_this_python(package: Any) -> bool:
    markers = texts(inside(package, "resolution-markers"))
    try:
        return not markers or any(Marker(each).evaluate() for each in markers)
    except InvalidMarker:
        return False


def _locked(need: str, locked: Mapping[str, set[str]]) -> str:
    requirement = Requirement(need)
    versions = locked.get(normal_name(requirement.name), set())
    if len(versions) == 1 and not requirement.url:
        requirement.specifier = SpecifierSet(f"=={next(iter(versions))}")
    return str(requirement)


def normal_name(name: str) -> str:
    """A package's name as indexes compare it (https://packaging.python.org/en/latest/specifications/name-normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(line: str) -> Requirement | None:
    """A line of a file of requirements; ``None`` for an option, a comment, or an address without a name."""
    try:
        return Requirement(line.split(" #", maxsplit=1)[0])
    except InvalidRequirement:
        return None
