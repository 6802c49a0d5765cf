"""Compose the command that runs pytest on a project: folder, files, plugins and paths. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from packaging.requirements import Requirement

from sessions.first_steps.files import Files, TestCommand, inside, texts
from sessions.first_steps.installation import installation
from sessions.first_steps.pins import at_locked_versions
from sessions.first_steps.requirements import normal_name, parse_requirement, requirements

_RUN = "python3 -m pytest -q{plugins} --junit-xml {{results}} -o junit_family=xunit1"
# The options and settings by which a plugin is recognised.
_PLUGINS = {
    "pytest-cov": r"--cov\b|--no-cov\b",
    "pytest-xdist": r"(?<!\S)-n[ =]?(\d|auto|logical)|--numprocesses\b|--dist\b",
    "pytest-timeout": r"--timeout\b|^timeout\b",
    "pytest-rerunfailures": r"--reruns\b|^reruns\b",
    "pytest-benchmark": r"--benchmark-",
    "pytest-asyncio": r"^asyncio_mode\b|--asyncio-mode\b",
    "pytest-django": r"--ds\b|^DJANGO_SETTINGS_MODULE\b|--reuse-db\b|--nomigrations\b",
    "pytest-env": r"^env\b",
    "pytest-randomly": r"--randomly-",
    "pytest-doctestplus": r"--doctest-plus\b|^doctest_plus\b",
    "pytest-socket": r"--disable-socket\b|--allow-hosts\b",
    "pytest-mock": r"^mock_",
}
_USES_CACHE = re.compile(r"--(lf|ff|nf|sw|last-failed|failed-first|new-first|stepwise)\b|^cache_dir", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """pytest's settings in a file at ``path``: every value as text, by its key. Without a file, ``path`` is empty."""

    path: str
    values: dict[str, str]

    @property
    def folder(self) -> str:
        """The folder of the file, which is pytest's root folder."""
        return posixpath.dirname(self.path)

    @property
    def text(self) -> str:
        """All settings, one per line."""
        return "\n".join(f"{key} = {' '.join(value.split())}" for key, value in self.values.items())

    @property
    def testpaths(self) -> list[str]:
        """The folders of the tests, relative to the repository's top; empty if they can be anywhere."""
        return [posixpath.normpath(posixpath.join(self.folder, path)) for path in self.words("testpaths")]

    def words(self, key: str) -> list[str]:
        """Return the values of a key that has several."""
        try:
            return shlex.split(self.values.get(key, ""))
        except ValueError:
            return self.values.get(key, "").split()


def pytest_check(files: Files, version: str) -> TestCommand | None:
    """Return the command for pytest, if it is configured or required, or if there are tests that it would find."""
    settings = pytest_settings(files)
    found = _tests(files, settings)
    if not found:
        return None
    needs = requirements(files, "test", "tests", "testing", "dev")
    is_required = any(Requirement(each).name == "pytest" for each in needs)
    if settings.path:
        why = f"pytest, as {settings.path} configures it"
    elif "pytest" in files.text("tox.ini"):
        why = "pytest, as tox.ini runs it"
    elif is_required or files.like("conftest.py", "*/conftest.py"):
        why = "pytest, which the project requires"
    else:
        why = "pytest runs unittest's tests too, and reports each of them"
    run, globs = _command(settings, found)
    made = installation(files, settings.folder, version)
    needs = tuple({**{_name(each): each for each in (*made.needs, *needs)}, **_missing(settings, needs)}.values())
    return TestCommand(
        name="tests",
        run=made.path + run,
        why=why,
        format="junit",
        files=globs,
        build=made.build,
        build_why=made.why,
        needs=at_locked_versions(files, needs),
    )


def _command(settings: Settings, found: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the command and the globs of its files. pytest runs in the folder of its settings."""
    plugins = "" if _USES_CACHE.search(settings.text) else " -p no:cacheprovider"
    plugins += " -p junitxml" if "no:junitxml" in settings.text else ""
    run = _RUN.format(plugins=plugins).format(results="{results}")
    if settings.folder:
        # Paths would be relative to that folder, so no files are selected, and all tests run.
        return f"cd {shlex.quote(settings.folder)} && {run}", ()
    hidden = [f"!**/{name}/**" for name in settings.words("norecursedirs") if "/" not in name]
    return f"{run} {{files}}", (*_globs(found, settings.testpaths), *hidden)


def pytest_settings(files: Files) -> Settings:
    """Return pytest's settings at the repository's top, or else those of the folder with the most tests."""
    found = [settings for settings in _all_settings(files) if settings is not None]
    at_top = next((each for each in found if not each.folder), None)
    if at_top or not found:
        return at_top or Settings(path="", values={})
    counts = Counter({each.path: len(_tests(files, each)) for each in found})
    best = max(found, key=lambda each: (counts[each.path], -each.path.count("/")))
    everywhere = _tests(files, Settings(path="", values={}))
    return best if counts[best.path] * 2 > len(everywhere) else Settings(path="", values={})


def _all_settings(files: Files) -> Iterator[Settings | None]:
    """Yield settings in pytest's order (https://docs.pytest.org/en/stable/reference/customize.html)."""
    folders = sorted({posixpath.dirname(path) for path in files.like("pytest.ini", "*/pytest.ini", *_others())})
    for folder in folders:
        kinds = (("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("pyproject.toml", ""), ("tox.ini", "pytest"))
        for name, section in (*kinds, ("setup.cfg", "tool:pytest")):
            path = posixpath.join(folder, name)
            if path in files.paths and (values := _values(files, path, section)) is not None:
                yield Settings(path=path, values=values)
                break


def _others() -> Iterator[str]:
    for name in (".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        yield from (name, f"*/{name}")


def _values(files: Files, path: str, section: str) -> dict[str, str] | None:
    if not section:
        table = inside(files.table(path), "tool", "pytest")
        if not isinstance(table, dict):
            return None
        options = table.get("ini_options", table)  # pytest 9 reads [tool.pytest] itself, too
        return {key: _as_text(value) for key, value in options.items()} if isinstance(options, dict) else {}
    parser = files.settings(path)
    if parser.has_section(section):
        return dict(parser.items(section))
    return {} if posixpath.basename(path) in ("pytest.ini", ".pytest.ini") else None


def _as_text(value: Any) -> str:
    return " ".join(map(shlex.quote, texts(value))) if isinstance(value, list) else str(value)


def _tests(files: Files, settings: Settings) -> list[str]:
    """Return the test files that pytest would find with these settings."""
    patterns = [name if any(c in name for c in "*?[") else f"{name}*.py" for name in settings.words("python_files")]
    patterns = patterns or ["test_*.py", "*_test.py"]
    start = f"{settings.folder}/" if settings.folder else ""
    under = settings.testpaths
    hidden = settings.words("norecursedirs")
    return [
        path
        for path in sorted(files.paths)
        if path.startswith(start)
        and any(fnmatch(posixpath.basename(path), pattern) for pattern in patterns)
        and path.endswith(".py")
        and (not under or any(fnmatch(path, place) or fnmatch(path, f"{place}/*") for place in under))
        and not any(fnmatch(folder, name) for folder in path.split("/")[:-1] for name in hidden)
    ]


def _globs(found: list[str], testpaths: list[str]) -> Iterator[str]:
    """Yield globs that match the test files and future ones, by folder; a file with an unusual name is its own glob."""
    tops: dict[str, set[str]] = {}
    for path in found:
        folders = [place for place in testpaths if path.startswith(f"{place}/")]
        top = folders[0] if folders else path.split("/")[0] if "/" in path else ""
        tops.setdefault(top, set()).add(_ending(path))
    for top, names in sorted(tops.items()):
        yield from (f"{top}/**/{name}" if top else f"/{name}" for name in sorted(names, reverse=True))


def _ending(path: str) -> str:
    name = posixpath.basename(path)
    return next((p for p in ("test_*.py", "*_test.py", "tests_*.py", "*_tests.py") if fnmatch(name, p)), name)


def _missing(settings: Settings, needs: Iterable[str]) -> dict[str, str]:
    """Return the plugins that the settings use or require, and that the project's packages lack."""
    present = {_name(each) for each in needs}
    plugins = [plugin for plugin, sign in _PLUGINS.items() if re.search(sign, settings.text, re.MULTILINE)]
    demanded = [each for each in settings.words("required_plugins") if parse_requirement(each)]
    return {_name(each): each for each in ("pytest", *plugins, *demanded) if _name(each) not in present}


def _name(requirement: str) -> str:
    return normal_name(Requirement(requirement).name)
