"""Build :class:`~sessions.gates.results.Results` by the rules that all formats share."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from sessions.gates.formats.early_stop import early_stop
from sessions.gates.formats.excerpt import last_lines, shorten
from sessions.gates.results import Failure, Results, TestId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sessions.gates.results import GateOutput, Kind


def account(
    output: GateOutput,
    failures: Iterable[Failure] = (),
    *,
    passed: Iterable[TestId] = (),
    skipped: Iterable[TestId] = (),
    counts: Mapping[str, int] | None = None,
    lists_faults: bool = False,
    files: Iterable[str] = (),
    tests: int | None = None,
    times: Mapping[str, float] | None = None,
    trouble: str = "",
    kind: Kind = "error",
    notes: Iterable[str] = (),
) -> Results:
    """Return the results of a run: sorted, each test once; with ``trouble``, the gate itself fails as well.

    A test that failed anywhere has not passed; a run that stopped there has trouble. ``tests`` is the number of tests.
    """
    found = list(failures)
    trouble = trouble or (early_stop(output) if found else "")
    found += [gate_failure(output, trouble, kind)] if trouble else []
    # The first failure of a test counts, so it is inserted last.
    first = {failure.test: failure for failure in reversed(found)}
    good = set(passed) - first.keys()
    left_out = set(skipped) - first.keys() - good
    return Results(
        gate=output.gate,
        failures=tuple(first[test] for test in sorted(first)),
        passed=tuple(sorted(good)),
        skipped=tuple(sorted(left_out)),
        counts=dict(counts or {}),
        lists_faults=lists_faults,
        files=tuple(sorted({*files} - {""})),
        tests=len(good | left_out | {test for test in first if test.file}) if tests is None else tests,
        trouble=trouble,
        status=output.status,
        notes=tuple(dict.fromkeys(notes)),
        times=dict(times or {}),
    )


def told_apart(failures: Iterable[Failure]) -> list[Failure]:
    """Return the failures with distinct names: otherwise a known failure would hide a new one of the same name.

    Two examples of a docstring may read the same. Which of them is which cannot be known; how many fail can.
    """
    found: list[Failure] = []
    times: Counter[TestId] = Counter()
    for failure in failures:
        test = failure.test
        times[test] += 1
        if times[test] > 1:
            test = replace(test, name=f"{test.name} (failure {times[test]})")
        found.append(replace(failure, test=test))
    return found


def gate_failure(output: GateOutput, seen: str, kind: Kind = "error") -> Failure:
    """Return the failure of the whole gate. ``seen`` is a clause that says how; the status and the log's end follow."""
    message = f"{seen}; the command ended with status {output.status}."
    if log := last_lines(output.log):
        message += f" The log ends:\n{shorten(log)}"
    return Failure(test=TestId(file="", name=output.gate), kind=kind, message=message)


def same_path(path: str) -> str:
    """Return a path in normal form: ``./a//b.py`` becomes ``a/b.py``."""
    return posixpath.normpath(path) if path else ""
