"""Decide how a Python project is built before its tests run, within its source folder. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from sessions.first_steps.files import Files, inside, texts
from sessions.first_steps.requirements import parse_requirement

# The folder in the source where the project is installed: candidates share an environment, which must contain none.
PLACE = "build/integrand"
_FROM_TAGS = re.compile(r"setuptools[-_.]scm|hatch-vcs|versioningit|dynamic-versioning|git-versioning")

_METADATA = re.compile(r"importlib[._]metadata|pkg_resources|\bget_version\(")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The ``path`` (``PYTHONPATH=…``) to put before the command, the ``build`` command and why, its packages."""

    path: str = ""
    build: str = ""
    why: str = ""
    needs: tuple[str, ...] = ()


def installation(files: Files, folder: str, version: str) -> Installation:
    """Decide how the project in a ``folder`` becomes importable.

    It is installed only if its tests or manual need that: it reads its version from git's tags, which probes do not
    have, or from its metadata, or it has entry points. C modules are built in place. Otherwise the source is enough.
    """
    path = posixpath.join(folder, "pyproject.toml")
    table = files.table(path)
    backend = tuple(filter(parse_requirement, texts(inside(table, "build-system", "requires"))))
    from_tags = any(_FROM_TAGS.search(each) for each in backend) or inside(table, "tool", "setuptools_scm") is not None
    up = "/".join([".."] * (folder.count("/") + 1)) + "/" if folder else ""
    source = files.like(posixpath.join(folder, "src/*.py"))
    if why := _why_installed(files, folder, from_tags=from_tags):
        pretend = f"SETUPTOOLS_SCM_PRETEND_VERSION={shlex.quote(version)} " if from_tags and version else ""
        pip = "python3 -m pip install -q --no-deps --no-build-isolation --disable-pip-version-check"
        build = f"{pretend}{pip} --target {PLACE} ./{shlex.quote(folder) if folder else ''}"
        # With settings in a subfolder, the command runs there, and PYTHONPATH is relative to it.
        return Installation(
            path=_before(folder, up + PLACE), build=build, why=why, needs=(*backend, *_backends(backend))
        )
    setup = files.text(posixpath.join(folder, "setup.py"))
    if re.search(r"\bext_modules\s*=\s*(?!\[\s*\])|\bExtension\(", setup):
        inside_ = f"cd {shlex.quote(folder)} && " if folder else ""
        cython = _cython(files, folder, setup)
        build = f"{inside_}{cython}python3 setup.py -q build_ext --inplace"
        needs = (*backend, "setuptools", *(["cython"] if cython else []))
        why = "modules in C are built in place, as setup.py names them"
        return Installation(path=_before(folder, "src") if source else "", build=build, why=why, needs=needs)
    return Installation(path=_before(folder, "src") if source else "")


def _why_installed(files: Files, folder: str, *, from_tags: bool) -> str:
    """Return why the project must be installed; empty if its source is enough."""
    project = inside(files.table(posixpath.join(folder, "pyproject.toml")), "project")
    if from_tags:
        return "the project is installed, as its version comes from git's tags"
    if inside(project, "entry-points"):
        return "the project is installed, as pyproject.toml gives it entry points"
    if project and _asks_metadata(files, folder):
        return "the project is installed, as its code or its tests read its metadata"
    return ""


def _cython(files: Files, folder: str, setup: str) -> str:
    """Return the command that makes the C sources that ``setup.py`` names and that are made from Cython's."""
    start = f"{folder}/" if folder else ""
    sources = (path.removeprefix(start) for path in files.like(f"{start}*.pyx"))
    missing = [path for path in sources if f"{path[:-4]}.c" in setup and f"{start}{path[:-4]}.c" not in files.paths]
    return f"python3 -m cython {shlex.join(missing)} && " if missing else ""


def _asks_metadata(files: Files, folder: str) -> bool:
    """Whether the project, its tests or its manual use metadata that only an installed project has."""
    names = ("src/*/__init__.py", "*/__init__.py", "conftest.py", "tests/conftest.py", "doc*/conf.py")
    start = f"{folder}/" if folder else ""
    found = (path for path in files.like(*(start + name for name in names)) if path.count("/") <= start.count("/") + 2)
    return any(_METADATA.search(files.text(path)) for path in found)


def _before(folder: str, place: str) -> str:
    return f"export PYTHONPATH={place}; " if folder else f"PYTHONPATH={place} "


def _backends(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Return the packages that build the project: setuptools, unless the project names others."""
    return () if requires else ("setuptools", "wheel")
