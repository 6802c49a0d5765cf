"""What has to be made of a Python project before its tests can run, in a folder of the source alone. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from sessions.first_steps.files import Files, inside, texts
from sessions.first_steps.requirements import parse_requirement

# Where the project is installed, in the source: an environment that candidates share must not know any of them.
PLACE = "build/integrand"
_FROM_TAGS = re.compile(r"setuptools[-_.]scm|hatch-vcs|versioningit|dynamic-versioning|git-versioning")

_METADATA = re.compile(r"importlib[._]metadata|pkg_resources|\bget_version\(")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A ``path`` (``PYTHONPATH=…``) to put before the command, the ``build`` that fills it, and what that needs."""

    path: str = ""
    build: str = ""
    needs: tuple[str, ...] = ()


def installation(files: Files, folder: str, version: str) -> Installation:
    """How the project in a ``folder`` becomes importable.

    It is installed where its tests or its manual cannot do without: its version is read from git's tags, which a probe
    has not, or from its metadata, or others find it by its entry points. Modules in C are built in place. Else its
    source is enough.
    """
    path = posixpath.join(folder, "pyproject.toml")
    table = files.table(path)
    backend = tuple(filter(parse_requirement, texts(inside(table, "build-system", "requires"))))
    from_tags = any(_FROM_TAGS.search(each) for each in backend) or inside(table, "tool", "setuptools_scm") is not None
    up = "/".join([".."] * (folder.count("/") + 1)) + "/" if folder else ""
    source = files.like(posixpath.join(folder, "src/*.py"))
    if (
        from_tags
        or inside(table, "project", "entry-points")
        or (inside(table, "project") and _asks_metadata(files, folder))
    ):
        pretend = f"SETUPTOOLS_SCM_PRETEND_VERSION={shlex.quote(version)} " if from_tags and version else ""
        pip = "python3 -m pip install -q --no-deps --no-build-isolation --disable-pip-version-check"
        build = f"{pretend}{pip} --target {PLACE} ./{shlex.quote(folder) if folder else ''}"
        # Settings in a subfolder: the command works there, and PYTHONPATH counts from there.
        return Installation(path=_before(folder, up + PLACE), build=build, needs=(*backend, *_backends(backend)))
    setup = files.text(posixpath.join(folder, "setup.py"))
    if re.search(r"\bext_modules\s*=\s*(?!\[\s*\])|\bExtension\(", setup):
        inside_ = f"cd {shlex.quote(folder)} && " if folder else ""
        build = f"{inside_}python3 setup.py -q build_ext --inplace"
        return Installation(path=_before(folder, "src") if source else "", build=build, needs=(*backend, "setuptools"))
    return Installation(path=_before(folder, "src") if source else "")


def _asks_metadata(files: Files, folder: str) -> bool:
    """Whether the project, its tests or its manual asks for what only an installed project has."""
    names = ("src/*/__init__.py", "*/__init__.py", "conftest.py", "tests/conftest.py", "doc*/conf.py")
    start = f"{folder}/" if folder else ""
    found = (path for path in files.like(*(start + name for name in names)) if path.count("/") <= start.count("/") + 2)
    return any(_METADATA.search(files.text(path)) for path in found)


def _before(folder: str, place: str) -> str:
    return f"export PYTHONPATH={place}; " if folder else f"PYTHONPATH={place} "


def _backends(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Without a table of its own a project is built by setuptools."""
    return () if requires else ("setuptools", "wheel")
