"""Read the Test Anything Protocol, versions 12 to 14 (https://testanything.org), as real producers write it.

A text may have the output of several producers. Subtests come before their test, indented by four blanks. ``prove -v``
writes the name of each script before the script's output, and its result behind. tape names the test of an assertion in
a comment before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION = re.compile(r"^TAP version \d+\s*$")
_POINT = re.compile(r"^(?P<indent> *)(?P<bad>not )?ok(?: +(?P<number>\d{1,9}))?(?P<rest>(?: .*)?)$")
_DIRECTIVE = re.compile(r"(?:^|(?<=\s))#\s*(?P<word>skip\S*|todo)\b", re.IGNORECASE)
_PLAN = re.compile(r"^(?P<indent> *)1\.\.(?P<count>\d{1,9})\s*(?P<skip>#\s*skip.*)?$", re.IGNORECASE)
_BAIL = re.compile(r"^\s*(?:Bail out!|Bailout called\.)\s*(?P<why>.*)$", re.IGNORECASE)
_YAML = re.compile(r"^(?P<indent> *) {1,4}---\s*$")
_SCRIPT = re.compile(r"^(?P<file>\S.{0,300}?) \.{2,} ?(?P<rest>ok|skipped.*|)$")
_DUBIOUS = re.compile(r"^\s*Dubious, test returned (?P<status>\d{1,3}) ")
_SUMMARY = re.compile(r"^Result: (?:PASS|FAIL|NOTESTS)$")
_SHORT = re.compile(r"^# bats warning: Executed \d+ instead of expected \d+ tests")
_HEADING = re.compile(
    r"^# (?P<name>(?!Subtest|tests |pass |fail |todo |skip|cancelled |suites |duration_ms|ok$).{1,300})$"
)


@dataclass
class Point:
    """A test (``ok 1 - name``) with its subtests, which are indented above it."""

    number: int
    name: str
    is_ok: bool
    directive: str = ""
    comments: list[str] = field(default_factory=list)
    children: list[Point] = field(default_factory=list)


@dataclass
class Stream:
    """The output of one producer. ``file`` is the script that prove names, ``plan`` the number of announced tests."""

    file: str = ""
    points: list[Point] = field(default_factory=list)
    plan: int | None = None
    bailed: str | None = None
    status: int = 0
    is_skipped: bool = False
    is_short: bool = False  # bats reports that it ran fewer tests than planned
    passed: bool = False  # prove reports that the script passed
    orphans: list[Point] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Tap:
    """The output of all producers, and whether prove wrote its summary."""

    streams: tuple[Stream, ...]
    has_summary: bool


def parse_tap(text: str) -> Tap:
    """Read all streams of a text. Never raises."""
    reader = _Reader()
    lines = plain_lines(text)
    if _POINT.match(lines[-1]):  # without a newline at its end, it may be cut off
        del lines[-1]
    for line in _without_yaml(lines):
        reader.take(line)
    return Tap(streams=tuple(reader.end()), has_summary=reader.has_summary)


def _without_yaml(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines with each YAML block replaced by an empty line; a block describes the test before it."""
    end, after_point = "", False
    for line in lines:
        if end:
            if line.rstrip() == end:
                end = ""
                yield ""  # later comments belong to another test
        elif after_point and _YAML.match(line):
            end = line.rstrip().replace("---", "...")
        else:
            yield line
        after_point = bool(_POINT.match(line))


class _Reader:
    """Reads line by line; ``pending`` has, by depth, the tests whose parent comes later."""

    def __init__(self) -> None:
        self.streams = [Stream()]
        self.pending: dict[int, list[Point]] = {}
        self.heading = ""
        self.is_version_13 = self.has_summary = False
        self.last: Point | None = None

    @property
    def now(self) -> Stream:
        return self.streams[-1]

    def take(self, line: str) -> None:
        """Read a line; ignore it if it is not TAP."""
        if found := _SCRIPT.match(line):
            self._begin(Stream(file=found["file"], is_skipped=found["rest"].startswith("skipped")))
            self.now.passed = found["rest"] == "ok"
        elif _VERSION.match(line):
            self._begin(Stream())
            self.is_version_13 = True
        elif found := _PLAN.match(line):
            self._plan(found)
        elif (found := _POINT.match(line)) and self._is_point(found):
            self._point(found)
        else:
            self._other(line)

    def end(self) -> list[Stream]:
        """Return all streams that are not empty; tests left without a parent are marked as such."""
        self._close()
        return [
            each
            for each in self.streams
            if each.file or each.points or each.orphans or each.plan is not None or each.bailed is not None
        ]

    def _begin(self, stream: Stream) -> None:
        self._close()
        self.streams.append(stream)

    def _close(self) -> None:
        """End the stream: pending tests will not get a parent any more."""
        for points in self.pending.values():
            self.now.orphans += points
        self.pending, self.heading, self.last = {}, "", None

    def _plan(self, found: re.Match[str]) -> None:
        if found["indent"]:
            return
        if self.now.plan is not None:
            self._begin(Stream())
        self.now.plan = int(found["count"])
        self.now.is_skipped = self.now.plan == 0

    def _is_point(self, found: re.Match[str]) -> bool:
        """Whether the line is a test, rather than a line of prove or of a program that prints "ok"."""
        return found["number"] is not None or found["rest"].startswith(" - ")

    def _point(self, found: re.Match[str]) -> None:
        depth, number = len(found["indent"]), int(found["number"] or 0)
        if not depth and number == 1 and self.now.points:
            self._begin(Stream())
        name, directive = _description(found["rest"])
        if self.heading and not depth:
            name = f"{self.heading} > {name}"
        children = [point for deep in sorted(self.pending) if deep > depth for point in self.pending[deep]]
        self.pending = {deep: points for deep, points in self.pending.items() if deep <= depth}
        point = Point(number, name or f"test {number}", not found["bad"], directive, children=children)
        (self.pending.setdefault(depth, []) if depth else self.now.points).append(point)
        self.last = point

    def _other(self, line: str) -> None:
        """Read a comment, or a line of prove."""
        if not line:
            self.last = None
        elif found := _BAIL.match(line):
            self.now.bailed = found["why"]
        elif found := _DUBIOUS.match(line):
            self.now.status = int(found["status"])
        elif _SHORT.match(line):
            self.now.is_short = True
        elif _SUMMARY.match(line):
            self.has_summary = True
        elif line == "ok" and self.now.file:
            self.now.passed = True
        elif self.is_version_13 and (found := _HEADING.match(line)) and not (self.last and not self.last.is_ok):
            self.heading = found["name"]
        elif line.lstrip().startswith("#") and self.last and not self.last.is_ok:
            self.last.comments.append(line.strip().removeprefix("#"))


def _description(rest: str) -> tuple[str, str]:
    """Return a test's name and its directive: ``skip``, ``todo`` or empty."""
    found = next((each for each in _DIRECTIVE.finditer(rest)), None)
    name = rest[: found.start()] if found else rest
    name = re.sub(r"^\s*(?:- )?", "", name.strip())
    name = re.sub(r" in \d{1,9} ?ms$", "", name)  # bats -T
    word = found["word"].lower()[:4] if found else ""
    return re.sub(r"\\([#\\])", r"\1", name), word
