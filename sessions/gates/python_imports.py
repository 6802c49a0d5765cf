"""Which Python files import which, as their sources say, without running anything. Pure."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

_PACKAGE, _FIXTURES = "__init__", "conftest"


def imported_names(source: bytes) -> tuple[str, ...]:
    """Return the names that a source imports, sorted: ``a.b``, or ``..b`` relative to its package.

    ``from a import b`` gives ``a.b``, which may be a module or something in ``a``. Empty for what is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ()
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (f"{node.module}." if node.module else "")
            names.update(start + alias.name for alias in node.names)
    return tuple(sorted(names))


@dataclass(frozen=True)
class ImportGraph:
    """The imports between the files of one tree: ``names`` are what each Python file imports."""

    names: Mapping[str, Collection[str]]

    def distances(self, start: str) -> dict[str, int]:
        """Return how many imports each file is away from ``start``, itself included, along the shortest way."""
        found, edge = {start: 0}, [start]
        while edge:
            following = [file for path in edge for file in self._importing.get(path, ()) if file not in found]
            found |= dict.fromkeys(following, found[edge[0]] + 1)
            edge = list(dict.fromkeys(following))
        return found

    @cached_property
    def _importing(self) -> Mapping[str, list[str]]:
        """The files that import a file."""
        importing: dict[str, set[str]] = {}
        modules = _modules(self.names)
        for file, names in self.names.items():
            for path in {*_resolved(file, names, modules), *_fixtures(file, self.names)} - {file}:
                importing.setdefault(path, set()).add(file)
        return {path: sorted(files) for path, files in importing.items()}


def _modules(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the files by every dotted name under which they may be imported, from whichever folder is the root."""
    found: dict[str, list[str]] = {}
    for path in paths:
        parts = _module_parts(path)
        for at in range(len(parts)):
            found.setdefault(".".join(parts[at:]), []).append(path)
    return found


def _module_parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[:-1] if parts[-1] == _PACKAGE else parts


def _resolved(file: str, names: Iterable[str], modules: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the files that a file imports: each name's module, or the one that has the name.

    A name of one word, as ``re``, is the project's only where a file of that name has no folder, or a source folder.
    """
    package = PurePosixPath(file).parent.parts
    for name in names:
        level = len(name) - len(name.lstrip("."))
        dotted = ".".join((*package[: len(package) - level + 1], name.lstrip("."))) if level else name
        for each in (dotted, dotted.rpartition(".")[0]):
            files = modules.get(each, []) if each else []
            if "." not in each:
                files = [path for path in files if len(_module_parts(path)) <= 2]
            if files:
                yield from files
                break


def _fixtures(file: str, paths: Collection[str]) -> Iterator[str]:
    """Yield the files of pytest's fixtures that a test file has without importing them."""
    for folder in PurePosixPath(file).parents:
        if (path := str(folder / f"{_FIXTURES}.py")) in paths:
            yield path
