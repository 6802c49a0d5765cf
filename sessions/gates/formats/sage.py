"""``format = "sage"``: SageMath's doctests, read from their log and from the file of ``--stats-path``.

The log decides. The statistics only add files that failed without a trace in the log: they keep entries of earlier
runs, do not have single examples, and may be half-written. The command's status is not reliable: the operating system
drops bit 256, and ``make`` hides the status.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING

from sessions.gates.formats.findings import account, told_apart
from sessions.gates.formats.sage_log import (
    example_failures,
    log_lines,
    sections,
    whole_file_failure,
    whole_file_reason,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sessions.gates.formats.sage_log import Section
    from sessions.gates.results import Failure, GateOutput, Kind, Results

_START = re.compile(r"^Running doctests with ID ")
_END = re.compile(r"^(?:Total time for all tests|All tests passed!|No files to doctest)")
_INTERRUPTED = re.compile(r"^Doctests interrupted: .*")
_COUNT = re.compile(r"\d+ doctests? failed")
# From 129 on, a status may also mean that a signal killed the command.
_BAD_OPTIONS_BIT, _INTERRUPTED_BIT = 2, 128


def read_sage(output: GateOutput) -> Results:
    """Read a run of ``sage -t``. The log does not name passing examples, it only counts those of each file."""
    lines = log_lines(output.log)
    parts = list(sections(lines))
    trouble, kind = _trouble(lines)
    files = _tested_files(parts, whole=not trouble)
    failures = list(_failures_in(parts))
    failures += _only_in_statistics(output.results, files, {failure.test.file for failure in failures})
    if not trouble and not files:
        trouble = f"{output.gate} tested no file"
    return account(
        output,
        failures,
        counts=_counts(parts, {failure.test.file for failure in failures if failure.test.is_whole_file}),
        files=files,
        tests=sum(part.tests for part in parts),
        times={part.file: part.seconds for part in parts if part.file in files and part.seconds},
        trouble=trouble or _unexplained(output.status, failures),
        kind=kind,
    )


def _counts(parts: list[Section], failed: set[str]) -> dict[str, int]:
    """Return how many examples ran in each file that was tested to its end and did not fail as a whole."""
    counts: dict[str, int] = {}
    for part in parts:
        if part.file not in failed and (count := part.count) is not None:
            counts[part.file] = counts.get(part.file, 0) + count
    return counts


def _unexplained(status: int, failures: list[Failure]) -> str:
    """Return a clause on a problem that only the status shows. ``sage/doctest/reporting.py`` sets its bits."""
    if status >= _INTERRUPTED_BIT:
        return "The doctests were interrupted or killed"
    if status & _BAD_OPTIONS_BIT:
        return "The doctests were not run as requested"
    return "No doctest failed, but the run did" if status and not failures else ""


def _trouble(lines: list[str]) -> tuple[str, Kind]:
    """Return a clause on why the run did not end normally, and its kind. Of several runs in a log, the last counts."""
    marks = [bool(_END.match(line)) for line in lines if _START.match(line) or _END.match(line)]
    if not marks or not marks[-1]:
        return "The doctests' log breaks off", "crash"
    return next(filter(_INTERRUPTED.match, lines), ""), "error"


def _tested_files(parts: list[Section], *, whole: bool) -> set[str]:
    """Return the files that were tested, without the last one if the run broke off in it."""
    begun = [part for part in parts if part.file and not part.reason]
    if begun and not whole and not begun[-1].ended:
        begun.pop()
    return {part.file for part in begun} | {part.file for part in parts if part.reason}


def _failures_in(parts: list[Section]) -> Iterator[Failure]:
    """Yield failures from the log: examples, then whole files by their sections, then by the summary."""
    examples = told_apart(failure for part in parts for failure in example_failures(part))
    yield from examples
    for part in parts:
        if part.file and (reason := whole_file_reason(part)):
            yield whole_file_failure(part.file, reason, part)
    shown = {failure.test.file for failure in examples}
    for part in parts:
        if part.reason and not (_COUNT.match(part.reason) and part.file in shown):
            yield whole_file_failure(part.file, part.reason)


def _only_in_statistics(content: bytes | None, files: set[str], failing: set[str]) -> Iterator[Failure]:
    """Yield failures of tested files that failed by the statistics, but have no failure in the log."""
    for module in _failed_modules(content):
        candidates = _files_of(module, files)
        if candidates and not failing.intersection(candidates):
            yield whole_file_failure(candidates[0], f"{module} failed by the statistics; the log does not say how")


def _failed_modules(content: bytes | None) -> list[str]:
    """Return the modules with ``"failed": true``. A string is a reason from Sage's list of known failures instead."""
    try:
        entries = json.loads(content or b"{}")
    except (ValueError, RecursionError):  # half-written, for example because the disk is full
        return []
    if not isinstance(entries, dict):
        return []
    return sorted(name for name, entry in entries.items() if isinstance(entry, dict) and entry.get("failed") is True)


def _files_of(module: str, files: Iterable[str]) -> list[str]:
    """Return the files that a dotted name may mean: those whose path agrees with most parts of its end.

    ``sage.rings.ring`` is ``src/sage/rings/ring.pyx`` and, when tested from within, ``rings/ring.pyx``.
    """
    agreeing: dict[int, list[str]] = {}
    for file in sorted(files):
        parts = posixpath.splitext(file)[0].removesuffix("/__init__").split("/")
        names = module.split(".")
        count = min(len(parts), len(names))
        if parts[-count:] == names[-count:]:
            agreeing.setdefault(count, []).append(file)
    return agreeing[max(agreeing)] if agreeing else []
