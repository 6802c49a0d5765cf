"""``format = "go"``: the events of ``go test -json``, from the file of ``{results}``, the key ``results`` or the log.

A test's file is its package's import path. A package that fails without a failing test has failed as a whole: for
example, it does not build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.formats.cases import Case, CaseStatus, Shown, account_of
from sessions.gates.formats.excerpt import plain_lines, shorten
from sessions.gates.formats.go_events import Package, Run, lines_of, read_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.gates.results import GateOutput, Kind, Results

_OUTCOMES: dict[str, CaseStatus] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
# Statuses from here on come from a shell. The go command ends with 1 or 2.
_NOT_GO = 124


def read_go(output: GateOutput) -> Results:
    """Read the result of each test and each subtest. A test with subtests is a test, too."""
    packages = list(read_events(lines_of(_text(output))).values())
    cases = [case for package in packages for case in _cases(package)]
    return account_of(output, cases, trouble=_trouble(output, packages, cases))


def _text(output: GateOutput) -> str:
    if output.results is not None:
        return output.results.decode("utf-8", "replace")
    if output.reports:
        return "\n".join(content.decode("utf-8", "replace") for _, content in sorted(output.reports.items()))
    return output.log


def _cases(package: Package) -> Iterator[Case]:
    """Yield a package's tests. A test without an end failed if its package has ended, and is unknown otherwise."""
    for run in package.runs:
        if run.end:
            yield _case(package, run, _OUTCOMES[run.end])
        elif package.end:
            yield _case(package, run, "failed")
    failed = any(run.end not in {"pass", "skip"} for run in package.runs)
    if package.end == "fail" and (not failed or package.has_panicked):
        message = _message([*package.output, *(package.runs[-1].output if package.runs else ())])
        kind: Kind = "crash" if package.has_panicked else "error"
        yield Case(file=package.path, name="", outcome="failed", shown=(Shown(message=message, kind=kind),))


def _case(package: Package, run: Run, outcome: CaseStatus) -> Case:
    shown: tuple[Shown, ...] = ()
    if outcome == "failed":
        shown = (Shown(message=_message(run.output), kind="failed" if run.end else "crash"),)
    return Case(file=package.path, name=run.name, outcome=outcome, shown=shown, seconds=run.seconds)


def _message(output: list[str]) -> str:
    lines = plain_lines("".join(output).strip("\n"))
    return shorten("\n".join(line for line in lines if not line.startswith("=== ")))


def _trouble(output: GateOutput, packages: list[Package], cases: list[Case]) -> str:
    """Return a clause on why the run did not end normally; empty if it did."""
    if not packages:
        return f"{output.gate} wrote no event of go test -json"
    if open_ones := [package.path for package in packages if not package.end]:
        return f"{output.gate} broke off: the package {open_ones[0]} did not end"
    if not cases:
        return f"{output.gate} ran no test"
    failing = any(case.outcome == "failed" for case in cases)
    if output.status and not failing:
        return "No test failed, but the run did"
    return f"{output.gate} was killed, or could not be run to its end" if output.status >= _NOT_GO else ""
