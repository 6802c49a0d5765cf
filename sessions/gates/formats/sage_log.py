r"""Parse the log of ``sage -t``.

The format follows ``sage/doctest/reporting.py`` (file lines, summary) and ``forker.py`` (examples) of SageMath 9.5 to
10.9. A log looks like this::

    Running doctests with ID 2023-05-02-20-08-00-d8b98e86.
    sage -t --random-seed=2569 src/sage/a.py              a file starts…
    **********************************************************************
    File "src/sage/a.py", line 104, in sage.a.f
    Failed example:
        f(2)
    Expected:
        3
    Got:
        2
    **********************************************************************
        [21 tests, 1 failure, 0.44s wall]                  …and ends, or:
        Timed out
    ----------------------------------------------------------------------
    sage -t --random-seed=2569 src/sage/a.py  # 1 doctest failed
    ----------------------------------------------------------------------
    Total time for all tests: 5.1 seconds

The output of examples is always indented, so that an example cannot fake other lines.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import plain_lines, shorten, without_prefix
from sessions.gates.formats.findings import same_path
from sessions.gates.results import Failure, TestId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.gates.results import Kind

_FILE_LINE = re.compile(
    r"^(?:(?:\S*/)?sage(?: -t|-runtests)|(?:\S*/)?python[\d.]* -m sage\.doctest)"
    r"(?: --[\w-]+(?:=\S*| \d+\.\d+(?= ))?)*"
    r" (?P<file>[^\s-]\S*\.\w+)"
    r"(?:  #(?P<reason>.*))?$",
)
_BASELINE = re.compile(r"\[failed in baseline\b.*\]\s*$")
_EXAMPLE = re.compile(r'^File "(?P<file>[^"]+)", line (?P<line>\d{1,9}|\?), in (?P<name>.+)$')
_GITHUB_EXAMPLE = re.compile(
    r"^::(?:error|notice) title=Failed example:,file=(?P<file>[^,]+)(?:,line=(?P<line>\d{1,9}))?::"
)
_GITHUB_FILE = re.compile(r"^::error title=(?P<reason>[^,]+),file=")
_WHOLE_FILE = re.compile(r"^(?:Timed out|Bad exit|Killed due to|Testing error|.+ in doctesting framework)")
_BLOCK_END = re.compile(r"^(?:\*{70}|-{70}|sage: )")
_RAN = re.compile(
    r"^ +\[(?:(?P<tests>\d{1,9}) tests?|(?P<share>\d{1,3})% of tests run),"
    r"(?:[^\]]{0,60}? (?P<wall>\d{1,6}\.\d{1,4})\ ?s(?: wall)?\])?"
)
_LAST_RUN = re.compile(r"^sage: .* ## line (\d{1,9}) ##$")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A line that names a file, and the lines up to the next one. With a ``reason``, it is a line of the summary."""

    file: str
    reason: str
    lines: tuple[str, ...]

    @property
    def tests(self) -> int:
        """How many examples of the file ran."""
        return sum(int(ran["tests"] or 0) for line in self.lines if (ran := _RAN.match(line)))

    @property
    def seconds(self) -> float:
        """How many seconds the file's examples took."""
        return sum(float(ran["wall"] or 0.0) for line in self.lines if (ran := _RAN.match(line)))

    @property
    def count(self) -> int | None:
        """How many examples ran, if the file was tested to its end and did not fail as a whole.

        With ``--show-skipped``, the log has only a percentage: then the count is 1.
        """
        ran = [found for line in self.lines if (found := _RAN.match(line))]
        if not (self.file and ran) or self.reason or whole_file_reason(self):
            return None
        return sum(int(found["tests"] or bool(int(found["share"] or 0))) for found in ran)

    @property
    def ended(self) -> bool:
        """Whether the file was tested to its end, with or without failures."""
        return bool(self.reason or whole_file_reason(self)) or any(_RAN.match(line) for line in self.lines)


def log_lines(log: str) -> list[str]:
    """Return the log's lines as ``sage -t`` wrote them, without prefixes of other tools."""
    return [without_prefix(line)[1] for line in plain_lines(log)]


def sections(lines: list[str]) -> Iterator[Section]:
    """Split the log at the lines that name a file. The first section, without a file, has the lines before these."""
    starts = [(i, found) for i, line in enumerate(lines) if (found := _FILE_LINE.match(line))]
    ends = [i for i, _ in starts] + [len(lines)]
    yield Section(file="", reason="", lines=tuple(lines[: ends[0]]))
    for (i, found), end in zip(starts, ends[1:], strict=True):
        reason = _BASELINE.sub("", found["reason"] or "").strip()
        yield Section(file=same_path(found["file"]), reason=reason, lines=tuple(lines[i + 1 : end]))


def example_failures(section: Section) -> Iterator[Failure]:
    """Yield the failing examples of a section.

    With ``--format github``, the log does not have the docstring's name, so it stays empty.
    """
    lines = section.lines
    for i, line in enumerate(lines):
        if found := _GITHUB_EXAMPLE.match(line):
            yield _example(found, "", lines[i + 1 :])
        elif (found := _EXAMPLE.match(line)) and lines[i + 1 : i + 2] == ("Failed example:",):
            yield _example(found, found["name"], lines[i + 2 :])


def _example(found: re.Match[str], name: str, after: tuple[str, ...]) -> Failure:
    block = list(takewhile(lambda line: not _BLOCK_END.match(line), after))
    source = list(takewhile(lambda line: not line or line.startswith("    "), block))
    raised = block[len(source) : len(source) + 1] == ["Exception raised:"]
    line = found["line"] or "?"
    return Failure(
        test=TestId(same_path(found["file"]), name, textwrap.dedent("\n".join(source)).strip("\n")),
        kind="error" if raised else "failed",
        line=0 if line == "?" else int(line),
        message=shorten("\n".join(["Failed example:", *block]).rstrip()),
    )


def whole_file_reason(section: Section) -> str:
    """Return why the file failed as a whole, from the line below its first one; empty if it did not."""
    first = next(iter(section.lines), "")
    if github := _GITHUB_FILE.match(first):
        first = f"    {github['reason']}"
    return first.strip() if first.startswith("    ") and _WHOLE_FILE.match(first.strip()) else ""


def whole_file_failure(file: str, reason: str, section: Section | None = None) -> Failure:
    """Return the failure of a whole file. If ``section`` has the examples that ran last, they show where it failed."""
    ran = [found for line in (section.lines if section else ()) if (found := _LAST_RUN.match(line))]
    return Failure(
        test=TestId(file),
        kind=_kind(reason),
        line=int(ran[-1][1]) if ran else 0,
        message=shorten("\n".join([reason, *(found[0] for found in ran[-5:])])),
    )


def _kind(reason: str) -> Kind:
    if reason.startswith("Timed out"):
        return "timeout"
    if reason.startswith(("Bad exit", "Killed due to")):
        return "crash"
    return "failed" if re.search(r"\bfailed\b", reason) else "error"
