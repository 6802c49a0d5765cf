"""A release's files, as what tells how a project is tested; and the command that becomes a gate. Pure."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any, Literal

GateFormat = Literal["junit", "tap", "go", "exit"]


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
class TestCommand:
    """A command that becomes a gate, and ``why`` it was taken, for the comment above it.

    ``results`` is the glob of reports that the command writes itself; ``build`` what has to run before it; ``needs``
    are Python packages.
    """

    name: str
    run: str
    why: str
    format: GateFormat = "exit"
    results: str = ""
    files: tuple[str, ...] = ()
    build: str = ""
    needs: tuple[str, ...] = ()


def inside(table: Any, *keys: str) -> Any:
    """What is at a path of keys; ``None`` where the file is made otherwise than its format says."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def texts(value: Any) -> list[str]:
    """The texts of a list; none where it is no list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
