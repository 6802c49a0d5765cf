"""Pin packages to the versions with which a release was tested: by lock files, constraints, or its date. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sessions.first_steps.files import Files, inside, texts
from sessions.first_steps.requirements import normal_name, parse_requirement

# https://packaging.python.org/en/latest/specifications/pylock-toml has other table names than the two others.
_LOCKS = (("uv.lock", "package"), ("pylock.toml", "packages"), ("poetry.lock", "package"))
_PIN_FILES = ("*constraints*.txt", "*requirements*.txt", "requirements/*.txt")
# Major versions of pytest and their release dates (https://docs.pytest.org/en/stable/changelog.html). Those before 7 do
# not run on current versions of Python.
_PYTEST = ((8, "2024-01-27"), (9, "2025-11-08"))


def at_locked_versions(files: Files, needs: Iterable[str]) -> tuple[str, ...]:
    """Return the same packages, each at the version of the release's lock files, or else of its pinned requirements."""
    found = list(_pins(files))
    return tuple(_locked(each, found) for each in needs)


def as_of(needs: Iterable[str], released: str) -> tuple[str, ...]:
    """Return the same packages, with pytest below the first major version that is newer than the release.

    ``released`` is the date of the release in ISO 8601, or empty for no bound. A version that the project or a lock
    file requires stays.
    """
    later = [major for major, day in _PYTEST if released and released < day]
    return tuple(_below(each, later[0]) if later else each for each in needs)


def _below(need: str, major: int) -> str:
    requirement = Requirement(need)
    is_bounded = any(each.operator in ("==", "===", "<", "<=", "~=") for each in requirement.specifier)
    is_met = requirement.specifier.contains(f"{major - 1}.99")
    if normal_name(requirement.name) != "pytest" or requirement.url or is_bounded or not is_met:
        return need
    requirement.specifier &= SpecifierSet(f"<{major}")
    return str(requirement)


def _pins(files: Files) -> Iterator[Mapping[str, set[str]]]:
    """Yield the versions of each package, by file, lock files first.

    A file can have several versions of a package for different versions of Python: the running Python's count, because
    it creates the environment.
    """
    for name, key in _LOCKS:
        versions: dict[str, set[str]] = {}
        packages = files.table(name).get(key)
        for package in packages if isinstance(packages, list) else ():
            called, version = inside(package, "name"), inside(package, "version")
            if isinstance(called, str) and isinstance(version, str) and _is_for_this_python(package):
                versions.setdefault(normal_name(called), set()).add(version)
        yield versions
    paths = [path for path in files.like(*_PIN_FILES) if path.count("/") < 2]
    for path in sorted(paths, key=lambda path: (not fnmatch(path, _PIN_FILES[0]), path.count("/"), path)):
        yield _pinned_lines(files.text(path))


def _pinned_lines(text: str) -> Mapping[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in text.splitlines():
        # pip-compile writes hashes after a backslash, or on the same line.
        found = parse_requirement(line.split(" --hash", maxsplit=1)[0].rstrip("\\ "))
        if not found or (found.marker and not _holds(str(found.marker))):
            continue
        exact = [each.version for each in found.specifier if each.operator == "==" and "*" not in each.version]
        if exact:
            versions.setdefault(normal_name(found.name), set()).add(exact[0])
    return versions


def _is_for_this_python(package: Any) -> bool:
    marker = inside(package, "marker")
    markers = texts(inside(package, "resolution-markers")) or ([marker] if isinstance(marker, str) else [])
    return not markers or any(map(_holds, markers))


def _holds(marker: str) -> bool:
    try:
        return Marker(marker).evaluate()
    except (InvalidMarker, LookupError, ValueError):  # not a valid requirement or marker
        return False


def _locked(need: str, found: Iterable[Mapping[str, set[str]]]) -> str:
    requirement = Requirement(need)
    name = normal_name(requirement.name)
    versions = next((each[name] for each in found if name in each), set())
    if len(versions) == 1 and not requirement.url:
        requirement.specifier = SpecifierSet(f"=={next(iter(versions))}")
    return str(requirement)
