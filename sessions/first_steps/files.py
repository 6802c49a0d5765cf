"""Read a release's files to detect how the project is tested; the command that becomes a gate. Pure."""

from __future__ import annotations

import configparser
import posixpath
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any, Literal

from sessions.settings.toml_text import parse_toml

GateFormat = Literal["junit", "tap", "go", "exit"]


# Package managers that get what a project needs from a registry.
_DOWNLOADS = re.compile(r"\b(?:npm|pnpm|yarn|composer|bundle) (?:ci|install)\b")


@dataclass(frozen=True)
class Files:
    """The release's files: all paths, and a function that reads one of them."""

    paths: frozenset[str]
    content: Callable[[str], str]

    def text(self, *names: str) -> str:
        """Return the content of the first of these files that exists, or an empty text."""
        return next((self.content(name) for name in names if name in self.paths), "")

    def below(self, folder: str) -> Files:
        """Return the files of a folder, with paths relative to it, and the top's Gemfile, which Bundler finds there."""
        start = f"{folder}/"
        places = {path.removeprefix(start): path for path in self.paths if path.startswith(start)}
        if "Gemfile" in self.paths:
            places.setdefault("Gemfile", "Gemfile")
        return Files(frozenset(places), lambda path: self.content(places[path]))

    def like(self, *globs: str) -> list[str]:
        """Return the sorted paths that match one of these globs; ``*`` also matches slashes."""
        return sorted(path for path in self.paths if any(fnmatch(path, glob) for glob in globs))

    def table(self, name: str) -> dict[str, Any]:
        """Read a TOML file; empty if it does not exist or is not valid."""
        try:
            return parse_toml(self.text(name))
        except ValueError:
            return {}

    def settings(self, name: str) -> configparser.RawConfigParser:
        """Read an INI file; empty if it does not exist or is not valid."""
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(self.text(name))
        except configparser.Error:
            return configparser.RawConfigParser()
        return parser


@dataclass(frozen=True, kw_only=True)
class TestCommand:
    """A command that becomes a gate, and ``why`` it was chosen, for the comment above it.

    ``results`` is the glob of reports that the command writes itself; ``build`` what has to run before it,
    and ``build_why`` the reason; ``needs`` are Python packages.
    """

    name: str
    run: str
    why: str
    format: GateFormat = "exit"
    results: str = ""
    files: tuple[str, ...] = ()
    build: str = ""
    build_why: str = ""
    needs: tuple[str, ...] = ()

    @property
    def missing_network(self) -> str:
        """Why the build may fail in a probe, as a clause; empty if it downloads nothing."""
        found = _DOWNLOADS.search(self.build)
        if not found:
            return ""
        return (
            f"`{found[0]}` downloads, and probes have no network: have its packages in the release's image, with "
            'kind = "docker" (docs/images.md)'
        )

    def in_folder(self, folder: str) -> TestCommand:
        """Return the same command for a project in a ``folder`` of the repository.

        Paths would be relative to that folder, so no files are selected, and all tests run.
        """
        enter = f"cd {shlex.quote(folder)} && "
        return replace(
            self,
            run=enter + self.run.replace("{files}", "").rstrip(),
            why=f"{self.why}, in {folder}",
            results=posixpath.join(folder, self.results) if self.results else "",
            files=(),
            build=f"({enter}{self.build})" if self.build else "",
        )


def junit_check(run: str, why: str, *, build: str = "", results: str = "") -> TestCommand:
    """Return a test command that reports in JUnit's format."""
    return TestCommand(name="tests", run=run, why=why, format="junit", build=build, results=results)


def inside(table: Any, *keys: str) -> Any:
    """Return the value at a path of keys; ``None`` if a key is missing or a value on the way is not a table."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def texts(value: Any) -> list[str]:
    """Return the strings of a list; none if the value is not a list."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
