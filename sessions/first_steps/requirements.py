"""Read which Python packages a project requires, by topic. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import nox
from packaging.requirements import InvalidRequirement, Requirement

from sessions.first_steps.files import Files, inside, texts

_OWN_EXTRAS = re.compile(r"(?:-e\s*|--editable[ =])?\.\[([\w, -]+)\]")
_TOOL_FAMILIES = ("pre-commit", "flake8-", "tox-", "nox-", "types-", "pylint-")
_TOOLS = frozenset(
    [
        "autoflake",
        "autopep8",
        "bandit",
        "basedpyright",
        "black",
        "bump-my-version",
        "bump2version",
        "bumpversion",
        "check-manifest",
        "cibuildwheel",
        "codecov",
        "codespell",
        "commitizen",
        "coveralls",
        "djlint",
        "doc8",
        "flake8",
        "interrogate",
        "isort",
        "mypy",
        "nox",
        "pip-audit",
        "prek",
        "proselint",
        "pycodestyle",
        "pydocstyle",
        "pyflakes",
        "pylint",
        "pyright",
        "pyroma",
        "pyupgrade",
        "ruff",
        "safety",
        "tbump",
        "towncrier",
        "tox",
        "twine",
        "ty",
        "vulture",
        "yamllint",
        "yapf",
        "zest-releaser",
        "zizmor",
    ]
)


def requirements(files: Files, *topics: str) -> tuple[str, ...]:
    """Return the project's own requirements and those of the first of ``topics`` that has any; each package once."""
    own = [
        *texts(inside(files.table("pyproject.toml"), "project", "dependencies")),
        *files.settings("setup.cfg").get("options", "install_requires", fallback="").splitlines(),
    ]
    by_topic = (list(_asked_for(files, topic)) for topic in topics)
    found = [each for each in map(parse_requirement, own) if each]
    listed = map(parse_requirement, next(filter(None, by_topic), _for_all_topics(files)))
    found += [each for each in listed if each and not _is_tool(each.name)]
    return tuple({each.name.lower(): str(each) for each in found}.values())


def manual_requirements(files: Files, folder: str) -> tuple[str, ...]:
    """Return what the manual in a ``folder`` needs: the file that Read the Docs installs, or else one beside it."""
    hosted = files.text(".readthedocs.yaml", ".readthedocs.yml")
    names = [
        *re.findall(r"^\s*-\s*requirements:\s*[\"']?([\w./-]+)", hosted, re.MULTILINE),
        f"{folder}/requirements.txt",
    ]
    found = map(parse_requirement, files.text(*names).splitlines())
    return tuple(str(each) for each in found if each and not _is_tool(each.name))


def _is_tool(name: str) -> bool:
    """Whether a developer's package checks, formats or releases a project rather than being imported by its tests."""
    plain = normal_name(name)
    return plain in _TOOLS or plain.startswith(_TOOL_FAMILIES)


def _asked_for(files: Files, topic: str) -> Iterator[str]:
    pyproject, setup = files.table("pyproject.toml"), files.settings("setup.cfg")
    yield from texts(inside(pyproject, "project", "optional-dependencies", topic))
    yield from setup.get("options.extras_require", topic, fallback="").splitlines()
    if inside(pyproject, "dependency-groups", topic):
        with suppress(LookupError, TypeError, ValueError):  # a group that includes itself, or does not exist
            yield from nox.project.dependency_groups(pyproject, topic)
    for name in (f"requirements-{topic}.txt", f"{topic}-requirements.txt", f"requirements/{topic}.txt"):
        yield from files.text(name).splitlines()
    yield from files.text(f"{topic}/requirements.txt").splitlines()


def _for_all_topics(files: Files) -> list[str]:
    """Return the lines of a developer's ``requirements.txt``, and of the project's extras that it installs."""
    lines = files.text("requirements.txt", "requirements-dev.txt", "dev-requirements.txt").splitlines()
    extras = [name.strip() for line in lines if (found := _OWN_EXTRAS.match(line)) for name in found[1].split(",")]
    optional = inside(files.table("pyproject.toml"), "project", "optional-dependencies")
    return [*(each for name in extras for each in texts(inside(optional, name))), *lines]


def normal_name(name: str) -> str:
    """Normalise a package's name (https://packaging.python.org/en/latest/specifications/name-normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(line: str) -> Requirement | None:
    """Parse a line of a requirements file; ``None`` for an option, a comment, or an address without a name."""
    try:
        return Requirement(line.split(" #", maxsplit=1)[0])
    except InvalidRequirement:
        return None
