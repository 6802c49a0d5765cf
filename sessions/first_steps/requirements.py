"""The Python packages that a project says it needs, by topic. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import nox
from packaging.requirements import InvalidRequirement, Requirement

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


def parse_requirement(line: str) -> Requirement | None:
    """A line of a file of requirements; ``None`` for an option, a comment, or an address without a name."""
    try:
        return Requirement(line.split(" #", maxsplit=1)[0])
    except InvalidRequirement:
        return None
