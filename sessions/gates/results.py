"""What a gate found: failing tests, each known by what it is and never by its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["failed", "error", "timeout", "crash"]


@dataclass(frozen=True, order=True)
class TestId:
    """One test: the file it is in, the name of its docstring or function, the source of the example.

    A test that is a whole file (it timed out, or crashed) has neither name nor example; a test that is a
    whole gate (``make doc-pdf`` failed) has no file either, and the gate's name as ``name``. The line number
    is no part of it, so that edits above a test do not turn a known failure into a new one.
    """

    __test__ = False  # not for pytest to collect

    file: str
    name: str = ""
    example: str = ""

    def __str__(self) -> str:
        words = [part for part in (self.file, self.name) if part]
        first = self.example.strip().splitlines()
        return "::".join(words) + (f" [{first[0]}]" if first else "")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A test that failed: how, at which line of its file (0 = unknown), and the excerpt that shows it."""

    test: TestId
    kind: Kind = "failed"
    line: int = 0
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that one run of a gate told.

    ``failures`` are sorted by test and name each test once. ``files`` are the files known to have been tested,
    sorted; empty where the format does not tell. ``tests`` counts tests or examples, 0 where unknown. ``times`` are
    seconds per file, where the format tells. ``broken`` is a clause that tells what was wrong on our own side (a font
    that the image lacks, a full disk): then nothing else in here says anything about a candidate.
    """

    failures: tuple[Failure, ...] = ()
    files: tuple[str, ...] = ()
    tests: int = 0
    broken: str = ""
    times: Mapping[str, float] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class History:
    """How many ``runs`` of a test told something of chance, and how many were ``odd`` among those of their tree."""

    runs: int = 0
    odd: int = 0


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a gate's command left behind, for a format to read.

    ``results`` is the content of the file that the command was told to write (``{results}``), ``None`` where
    it wrote none. ``log`` is standard output and standard error together, as they came. ``artifacts`` are the files
    that the gate's globs brought out, by their paths in the source.
    """

    gate: str
    status: int
    log: str
    results: bytes | None = None
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
