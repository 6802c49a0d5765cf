"""The log of ``sage -t``, as SageMath 9.5 to 10.9 write it: it names what fails, and counts what ran in each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.results import GateOutput, TestId
from tests.gates.writing.plan import KILLED, Outcome, Quirk, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

STARS, DASHES = "*" * 70, "-" * 70


def name_in_sage(test: TestId) -> TestId:
    """Each planned test is one example of a docstring."""
    return TestId(test.file, "doc", example(test))


def example(test: TestId) -> str:
    """Source of the example that stands for a test."""
    return f"check({test.name!a})"


def write_sage(run: Run) -> GateOutput:
    """Write the log; the statistics' file is left out, as it only adds to what the log says."""
    if run.ending == "nothing":
        return GateOutput(gate=run.gate, status=0, log="", command="sage -t")
    status = {"killed": KILLED, "interrupted": 128}.get(run.ending, int(run.is_failing))
    text = "\n".join(_lines(run))
    log = run.cut(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
    return GateOutput(gate=run.gate, status=status, log=log, command="sage -t")


def _lines(run: Run) -> Iterator[str]:
    prefix = "#25 1211.0 " if Quirk.NOISE in run.quirks else ""
    yield f"{prefix}Running doctests with ID 2026-11-26-12-00-00-d8b98e86."
    files = dict.fromkeys(test.file for test, _ in run.order)
    for file in files:
        for line in _file(file, [each for each in run.order if each[0].file == file], run):
            yield f"{prefix}{line}"
    if run.ending == "killed":
        return
    if run.ending == "interrupted":
        yield f"{prefix}Doctests interrupted: 1/{len(files)} files tested"
    yield prefix + DASHES
    yield f"{prefix}{'Total time for all tests: 1.0 seconds' if run.is_failing else 'All tests passed!'}"
    yield prefix + DASHES


def _file(file: str, tests: list[tuple[TestId, Outcome]], run: Run) -> Iterator[str]:
    yield f"sage -t --long --random-seed=1 {file}"
    colour = "\x1b[1m" if Quirk.RAW_CONTROLS in run.quirks else ""
    ran = [(test, outcome) for test, outcome in tests if outcome != "skipped"]
    for test, outcome in ran:
        if outcome != "passed":
            yield from (STARS, f'{colour}File "{file}", line 3, in doc', "Failed example:", f"    {example(test)}")
            yield from (
                ("Exception raised:", "    oops") if outcome == "error" else ("Expected:", "    1", "Got:", "    2")
            )
    failed = sum(outcome != "passed" for _, outcome in ran)
    yield STARS if failed else "    "
    yield f"    [{len(ran)} test{'s' * (len(ran) != 1)}, {f'{failed} failures, ' if failed else ''}0.01s wall]"
