"""From what a format found to :class:`~sessions.gates.results.Results`, by the rules that all formats share."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from sessions.gates.formats.excerpt import last_lines, shorten
from sessions.gates.results import Failure, Results, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sessions.gates.results import Kind, Output


def results_of(
    failures: Iterable[Failure],
    *,
    files: Iterable[str] = (),
    tests: int = 0,
    times: Mapping[str, float] | None = None,
) -> Results:
    """Sort, and name each test once: the first failure told of a test is the one that counts."""
    first: dict[TestId, Failure] = {}
    for failure in failures:
        first.setdefault(failure.test, failure)
    return Results(
        failures=tuple(first[test] for test in sorted(first)),
        files=tuple(sorted(set(files))),
        tests=tests,
        times=dict(times or {}),
    )


def gate_failure(output: Output, seen: str, kind: Kind = "error") -> Failure:
    """The gate as a whole failed: ``seen`` says how, in a clause; the status and the log's end say the rest."""
    message = f"{seen}; the command ended with status {output.status}."
    if log := last_lines(output.log):
        message += f" The log ends:\n{shorten(log)}"
    return Failure(test=TestId(file="", name=output.gate), kind=kind, message=message)


def same_path(path: str) -> str:
    """A file's path in the one way we write it: ``./a//b.py`` is ``a/b.py``."""
    return posixpath.normpath(path) if path else ""
