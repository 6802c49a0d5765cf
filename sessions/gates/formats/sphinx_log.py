r"""Parse Sphinx's messages about the sources of a manual.

The patterns follow ``sphinx/util/logging.py`` (warnings), ``sphinx/cmd/build.py`` and ``sphinx/_cli`` (fatal errors) of
Sphinx 5.3 to 9.0. A log looks like this::

    docs/recipes.rst:27: ERROR: Unknown target name: "undefined".
    src/sage/a.py:docstring of sage.a.f:3: WARNING: undefined label: 'nowhere' [ref.ref]
    Extension error:
    Could not import extension nosuch (exception: No module named 'nosuch')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sessions.gates.formats.excerpt import shorten
from sessions.gates.formats.findings import same_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Level = Literal["undefined", "warning", "error"]
# The file of messages that name no source.
NOWHERE = "Sphinx"

_WRITER = re.compile(r"^\[[\w./-]{1,40} *\] ")  # Sage's prefix for a part of its manual
_SAID = re.compile(r"^(?:(?P<where>[^\s].{0,999}?): )?(?P<level>WARNING|ERROR|SEVERE|CRITICAL): (?P<text>.*)$")
_WHERE = re.compile(
    r"^(?P<file>.+?)(?::docstring of (?P<object>[\w.]+))?(?::(?P<line>\d{1,9}|None|<\w+>)?)?$",
)
_TYPE = re.compile(r" \[[a-z_][\w.-]*\]$")
_CHANGING = re.compile(r"(?<=\bline )\d+|\b0x[0-9a-f]+\b|/tmp/\S+")
_UNDEFINED = re.compile(
    r"^(?:undefined label|unknown document|citation not found|Unknown target name|term not in glossary"
    r"|toctree contains reference to nonexisting document|Failed to create a cross reference"
    r"|(?:\w+:)?\w+ reference target not found|unknown (?:option|keyword|token)|undefined \w+:)",
)
_ENDED = re.compile(r"^(?:\w[\w ]{0,30} [Ee]rror(?: \((?P<who>[\w.]+)\))?|Exception occurred)[:!]$")
_OLD_STRICT = re.compile(r"^Warning, treated as error:$")
_OLD_WARNING = re.compile(r"^(?P<where>.{1,999}?:(?:\d{1,9}|None)?):(?P<text>\S.*)$")
_STRICT = re.compile(r"warnings treated as errors|^build finished with problems|^Warning, treated as error:$")
_PROCESSING = re.compile(r"^processing (?P<name>\S{1,200}\.tex)\.\.\.")
# Sphinx's LaTeX writer writes this at the beginning of each source's part.
_ORIGIN = re.compile(rb"\\label\{\\detokenize\{([^{}\n]{1,200})::doc\}\}")
_CUT = 4000
_MOST_ENDS = 200  # the most fatal errors of a build: a manual in parts may have one for each


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """A message of Sphinx: its source, line (0 if unknown), and stable name."""

    file: str
    line: int
    level: Level
    name: str
    text: str
    message: str


@dataclass(frozen=True, kw_only=True)
class SphinxLog:
    """All warnings and errors of Sphinx, the LaTeX files that it began to write, and whether warnings make it fail."""

    complaints: tuple[Complaint, ...]
    written: tuple[str, ...]
    is_strict: bool


def read_sphinx(lines: Iterable[str]) -> SphinxLog:
    """Find Sphinx's messages in a log."""
    said = [_WRITER.sub("", line[:_CUT], count=1) for line in lines]
    return SphinxLog(
        complaints=tuple(_complaints(said)),
        written=tuple(found["name"] for line in said if (found := _PROCESSING.match(line))),
        is_strict=any(map(_STRICT.search, said)),
    )


def origins(tex: bytes) -> dict[int, str]:
    """Return the sources of a LaTeX file that Sphinx made, in order, by the line at which each begins."""
    found: dict[int, str] = {}
    line, place = 1, 0
    for each in _ORIGIN.finditer(tex):
        line += tex.count(b"\n", place, each.start())
        place = each.start()
        found[line] = each[1].decode("utf-8", "replace")
    return found


def _complaints(lines: Sequence[str]) -> Iterator[Complaint]:
    ended, ends = "Exception occurred", 0
    for i, line in enumerate(lines):
        if found := _SAID.match(line):
            yield _complaint(found["where"] or "", found["level"], [found["text"], *_indented(lines, i + 1)])
        elif _OLD_STRICT.match(line):
            text = next(iter(lines[i + 1 : i + 2]), "")
            warning = _OLD_WARNING.match(text)
            # Sphinx stopped here. The message may have been an error, too; the log does not say.
            yield _complaint(warning["where"] if warning else "", "WARNING", [warning["text"] if warning else text])
        elif ends < _MOST_ENDS and _ENDED.match(line):
            ended, ends = line.rstrip(":!"), ends + 1
            if line.endswith(":"):
                yield from _end(ended, _reason(lines[i + 1 : i + 200]))
        elif ends < _MOST_ENDS and line == "Traceback" and lines[i + 1 : i + 2] == ["========="]:
            ends += 1
            yield from _end(ended, _last_reason(lines[i + 2 : i + 200]))


def _end(ended: str, reason: str) -> Iterator[Complaint]:
    """Yield what ended the build, if the log has a reason."""
    if reason:
        yield Complaint(
            file=NOWHERE, line=0, level="error", name=ended, text=_steady(reason), message=f"{ended}: {reason}"
        )


def _complaint(where: str, level: str, text_lines: Sequence[str]) -> Complaint:
    place = _WHERE.match(where)
    text = _TYPE.sub("", text_lines[0]).strip()
    kind: Level = "undefined" if _UNDEFINED.match(text) else "warning" if level == "WARNING" else "error"
    name = {"undefined": "undefined reference", "warning": "warning", "error": "error"}[kind]
    line = place["line"] if place else ""
    return Complaint(
        file=same_path(place["file"]) if place else NOWHERE,
        line=int(line) if line and line.isdigit() else 0,
        level=kind,
        name=f"{name} in {place['object']}" if place and place["object"] else name,
        text=_steady(text),
        message=shorten("\n".join([f"{where}: {level}: {text_lines[0]}".removeprefix(": "), *text_lines[1:]]), 1200),
    )


def _indented(lines: Sequence[str], start: int) -> list[str]:
    """Return the indented lines that continue a message: docutils shows the source that it could not read."""
    more: list[str] = []
    for line in lines[start : start + 10]:
        if not line.startswith("  "):
            break
        more.append(line.rstrip())
    return more


def _reason(lines: Sequence[str]) -> str:
    """Return why a build ended, up to Sphinx 8: the first line that is not part of a traceback."""
    for line in lines:
        if line and not line.startswith((" ", "Traceback (", "There is a programmable error")):
            return line.strip()[:1000]
    return ""


def _last_reason(lines: Sequence[str]) -> str:
    """Return why a build ended, from Sphinx 8.2 on: the last line of an indented traceback."""
    reason = ""
    for line in lines:
        if line.startswith("The full traceback"):
            break
        if re.match(r"    \w", line):
            reason = line.strip()[:1000]
    return reason


def _steady(text: str) -> str:
    """Remove the parts of a message that change from run to run, or with edits further up in the file."""
    return _CHANGING.sub("…", " ".join(text.split()))[:500]
