"""Read the output of ``go test -json``: events of cmd/test2json (``go doc test2json``), among other lines.

The go command's own messages, for example about a package that does not build, are plain lines between the events
before Go 1.24, and events with the action ``build-output`` since then (``go help buildjson``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_NOT_BUILT = re.compile(r"^FAIL\t(?P<package>\S{1,400}) \[(?P<why>build failed|setup failed)\]$")
_BUILDS = re.compile(r"^# (?P<package>\S{1,400})")
_PANIC = re.compile(r"^(?:panic|fatal error): ")
_START = re.compile(r'\{"(?:Time|Action|ImportPath|Package)"')
_ENDS = {"pass", "fail", "skip"}


@dataclass
class Run:
    """One run of a test: how it ended, if it did, and what it printed."""

    name: str
    end: str = ""
    seconds: float = 0.0
    output: list[str] = field(default_factory=list)


@dataclass
class Package:
    """A package's tests in the order in which they began; ``end`` is empty while it runs."""

    path: str
    end: str = ""
    runs: list[Run] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    has_panicked: bool = False
    has_begun: bool = False  # an event was about it

    def run(self, name: str) -> Run:
        """Return the latest run of a test."""
        found = next((run for run in reversed(self.runs) if run.name == name), None)
        if found is None:
            found = Run(name)
            self.runs.append(found)
        return found


def read_events(lines: Iterable[str]) -> dict[str, Package]:
    """Return the packages by their import paths. Never raises."""
    packages: dict[str, Package] = {}
    built = ""
    for line in lines:
        event = _event(line)
        if event is None:
            built = _take_words(packages, line, built)
        elif event.get("Action") in {"build-output", "build-fail"}:
            built = _take_words(packages, _text(event, "Output").rstrip("\n"), built)
        elif path := _text(event, "Package"):
            _take(packages.setdefault(path, Package(path)), event)
    return {path: package for path, package in packages.items() if package.end or package.has_begun}


def _event(line: str) -> Mapping[str, object] | None:
    """Return the event on a line, also behind what another program wrote without ending its line."""
    for found in _START.finditer(line):
        try:
            event = json.loads(line[found.start() :])
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("Action"), str):
            return event
    return None


def _take(package: Package, event: Mapping[str, object]) -> None:
    action, name = _text(event, "Action"), _text(event, "Test")
    package.has_begun = True
    if not name:
        # A command may test a package twice: one that failed has failed.
        package.end = action if action in _ENDS and package.end != "fail" else package.end
        if action == "output":
            _print(package, package.output, _text(event, "Output"))
    elif action == "run":
        package.runs.append(Run(name))
    elif action == "output":
        _print(package, package.run(name).output, _text(event, "Output"))
    elif action in _ENDS:
        run, elapsed = package.run(name), event.get("Elapsed")
        run.end = action
        run.seconds = float(elapsed) if isinstance(elapsed, int | float) else 0.0


def _print(package: Package, output: list[str], text: str) -> None:
    if text.startswith("goroutine ") and any(map(_PANIC.match, output[-8:])):
        package.has_panicked = True
    output.append(text)


def _take_words(packages: dict[str, Package], line: str, built: str) -> str:
    """Read a line of the go command itself, and return the package that the following lines are about."""
    if found := _NOT_BUILT.match(line):
        package = packages.setdefault(found["package"], Package(found["package"]))
        package.end = "fail"
        package.output.append(f"{found['why']}\n")
        return ""
    if found := _BUILDS.match(line):
        built = found["package"]
    if built:
        packages.setdefault(built, Package(built)).output.append(f"{line}\n")
    return built


def _text(event: Mapping[str, object], key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines, which end with newlines alone: a test may print other separators."""
    yield from (line.rstrip("\r") for line in text.split("\n"))
