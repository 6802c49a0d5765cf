"""Read the log of a failed build: its first error, and the files of the repository that its errors name. Pure.

Supported are messages of compilers and linkers (GCC, Clang, gfortran, MSVC, javac, rustc, Go, TypeScript, GNU ld), of
Cython, Meson, CMake, Ninja, GNU make, autoconf, and of Python's tools (pip, setuptools: an exception with its
traceback). All other lines are ignored, because a build prints the names of all files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sessions.gates.formats.excerpt import plain_lines, without_prefix

# A line with an error. The colon keeps `-Werror`, `strerror` and `error.c` out.
_ERROR = re.compile(
    r"(?<![\w./-])(?:error|ERROR|Error)(?:\[\w+\]| [A-Z]+\d+)?:|^\s*[\w.]*(?:Error|Exception): |^CMake Error"
    r"|^\[ERROR\] |undefined (?:reference|symbol)|multiple definition of|cannot find -l"
    r"|No rule to make target|\*\*\* missing sep"
)
# `file.go:3:2: undefined: x`, as Go and Cython write errors: a place without the word "error".
_PLACE = re.compile(r"^\s*[\w./+@-]+\.[A-Za-z]\w*:\d+(?::\d+)?: (?!.*(?:[Ww]arning|WARNING|note:|remark:|info:))\S")
# A line that says where the error next to it is.
_CONTEXT = re.compile(
    r'^\s*--> |^\s*File "[^"]+", line \d+|^(?:In file included| +) ?from \S+:\d+|^\S+\.f\w*:\d+:\d+:$'
)
# A line in which the caller of a command only reports that the command failed.
_SUMMARY = re.compile(
    r"\*\*\* .*Error \d+|^Error compiling Cython|^FAILED: |ld returned \d+ exit status|linker command failed"
    r"|command .* failed with exit (?:status|code)|subprocess-exited-with-error|metadata-generation-failed"
    r"|could not compile|CalledProcessError|Failed building wheel|aborting due to"
)
# Errors that the machine may have caused rather than the source: even if they occur twice, they prove nothing.
_BY_CHANCE = re.compile(
    r"(?i)killed|out of memory|cannot allocate|memory exhausted|no space left|disk quota|input/output error|bus error"
    r"|internal compiler error|segmentation fault|timed? ?out|connection|could not resolve|temporary failure|network"
    r"|resource temporarily|too many open files|text file busy|stale file handle|jobserver|HTTP error|SSL"
)
# What differs between runs of the same build: temporary folders, addresses, times, process ids.
_PASSING = re.compile(
    r"(?<![\w.])/(?:var/)?tmp/[^/\s:'\"]+|0x[0-9a-fA-F]+|\d{4}-\d\d-\d\d[T ]?|\d+:\d\d:\d\d(?:[.,]\d+)?"
    r"|\d+(?:\.\d+)? ?m?s(?:ec\w*)?\b|\bpid \d+|(?<=\[)\s*\d+(?=[\]/%])"
)
_TOKEN = re.compile(r"[\w.+@~/-]*\w")
# The endings of generated files, and of the sources that they are generated from.
_MADE = (".o", ".obj", ".lo", ".so", ".c", ".cpp", ".cxx", ".class")
_SOURCES = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".py", ".f", ".f90", ".rs", ".go", ".s", ".m", ".java", ".y", ".l")
# The most lines between the first error and a context line that belongs to it.
_NEAR = 12
# A name that more files have than this identifies none of them.
_FEW = 3


@dataclass(frozen=True, kw_only=True)
class NamedFiles:
    """The files of a repository that a failed build names: in its first error, and in all others."""

    first: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def first_error(log: str) -> str:
    """Return the first line with an error, without the parts that differ from run to run; empty if there is none."""
    return next((_PASSING.sub("", line) for _, line in _errors(_lines(log))), "")


def same_error(logs: Sequence[str]) -> str:
    """Return the first error of two or more failed builds of one candidate, if it is the same in all.

    Empty if they differ, if there is no error, or if the machine may have caused it (no memory, no disk space).
    """
    errors = {first_error(log) for log in logs}
    if len(logs) < 2 or len(errors) != 1:
        return ""
    [error] = errors
    return "" if _BY_CHANCE.search(error) else error


def named_files(log: str, tracked: Iterable[str]) -> NamedFiles:
    """Return which ``tracked`` files (paths from the repository's root) the errors of a build's log name, in order.

    The log's paths may be relative to any folder above or below the root. An object file stands for its source.
    """
    lines, names = _lines(log), _Names(tracked)
    errors = list(_errors(lines))
    contexts = [(at, line) for at, line in enumerate(lines) if _CONTEXT.search(line)]
    first: list[str] = []
    if errors:
        place, line = errors[0]
        first = names.named_in([line])
        first = first or names.named_in(near for at, near in contexts if abs(at - place) <= _NEAR)
    summaries = [line for line in lines if _SUMMARY.search(line)]
    found = names.named_in([line for _, line in (*errors, *contexts)] + summaries)
    return NamedFiles(first=tuple(first), others=tuple(path for path in found if path not in first))


def _lines(log: str) -> list[str]:
    return [without_prefix(line)[1] for line in plain_lines(log)]


def _errors(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines with errors and their indexes."""
    for at, line in enumerate(lines):
        if (_ERROR.search(line) or _PLACE.search(line)) and not _SUMMARY.search(line):
            yield at, line


@dataclass
class _Names:
    """Finds tracked files by the names in a log."""

    tracked: Iterable[str]
    _by_name: dict[str, list[str]] = field(default_factory=dict, init=False)
    _by_stem: dict[str, list[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for path in self.tracked:
            pure = PurePosixPath(path)
            self._by_name.setdefault(pure.name, []).append(path)
            if pure.suffix.lower() in _SOURCES:
                self._by_stem.setdefault(pure.stem, []).append(path)

    def named_in(self, lines: Iterable[str]) -> list[str]:
        """Return the files that the lines name, each once."""
        tokens = (token for line in lines for token in _TOKEN.findall(line))
        return list(dict.fromkeys(path for token in tokens for path in self._find(token)))

    def _find(self, token: str) -> list[str]:
        name = re.sub(r"^(?:\.\.?/)+", "", token)
        pure = PurePosixPath(name)
        if found := _nearest(name, self._by_name.get(pure.name, ())):
            return found
        if pure.suffix not in _MADE:
            return []
        source = name.removesuffix(pure.suffix)
        if found := _nearest(source, self._by_name.get(pure.stem, ())):
            return found
        stems = {path.rpartition(".")[0]: path for path in self._by_stem.get(pure.stem, ())}
        return [stems[stem] for stem in _nearest(source, stems)]


def _nearest(name: str, paths: Iterable[str]) -> list[str]:
    """Return the paths that a name may mean: the longest path that the name ends with, or all paths ending with it."""
    paths = list(paths)
    if inside := [path for path in paths if f"/{name}".endswith(f"/{path}") and ("/" in path or name == path)]:
        return [max(inside, key=len)]
    below = [path for path in paths if path.endswith(f"/{name}")]
    if not below and "/" in name:
        below = [path for path in paths if f"/{name}".endswith(f"/{path}")]
    return below if len(below) <= _FEW else []
