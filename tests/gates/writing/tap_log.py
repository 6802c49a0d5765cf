"""TAP as bats, Perl's prove -v and node write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sessions.gates.results import GateOutput, TestId
from tests.gates.writing.plan import ESCAPE, Outcome, Quirk, Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Where = Literal["nowhere", "headings", "subtests"]


@dataclass(frozen=True, kw_only=True)
class Tap:
    """How a tool writes TAP: where it tells the file of a test."""

    command: str
    where: Where = "nowhere"
    version: str = ""

    def name(self, test: TestId, gate: str) -> TestId:
        """Under which name the reader must give the test."""
        match self.where:
            case "nowhere":
                return TestId(gate, f"{test.file} {test.name}")
            case "headings":
                return TestId(test.file, test.name)
            case "subtests":
                return TestId(gate, f"{test.file} > {test.name}")


TAP: Mapping[str, Tap] = {
    "bats": Tap(command="bats --tap test"),
    "prove": Tap(command="prove -v t", where="headings"),
    "node": Tap(command="node --test --test-reporter=tap", where="subtests", version="TAP version 13"),
}


def write_tap(run: Run) -> GateOutput:
    """Write TAP on the log."""
    tap = TAP[run.dialect]
    text = "".join(f"{line}\n" for line in _lines(tap, run))
    content = b"" if run.ending == "nothing" else run.cut(text.encode())
    log = content.decode("utf-8", "replace")
    return GateOutput(gate=run.gate, status=run.status(interrupted=1), log=log, command=tap.command)


def _lines(tap: Tap, run: Run) -> Iterator[str]:
    if tap.version:
        yield tap.version
    match tap.where:
        case "nowhere":
            yield f"1..{len(run.plan)}"
            items = [(f"{test.file} {test.name}", outcome) for test, outcome in run.order]
            yield from _points(run, items)
            if run.ending == "interrupted":
                yield "Bail out! interrupted"
        case "headings":
            yield from _headings(run)
        case "subtests":
            yield from _subtests(run)


def _files(run: Run) -> dict[str, list[tuple[str, Outcome]]]:
    files: dict[str, list[tuple[str, Outcome]]] = {}
    for test, outcome in run.order:
        files.setdefault(test.file, []).append((test.name, outcome))
    return files


def _headings(run: Run) -> Iterator[str]:
    """As ``prove -v`` does; a file that was broken off has no plan, and no last line by prove."""
    for file, items in _files(run).items():
        yield f"{file} .. "
        yield from _points(run, items)
        if run.ending not in {"interrupted", "killed"}:
            bad = sum(outcome in {"failed", "error"} for _, outcome in items)
            yield f"1..{len(items)}"
            yield f"Failed {bad}/{len(items)} subtests " if bad else "ok"
    if run.ending not in {"interrupted", "killed"}:
        yield "Result: FAIL" if run.is_failing else "Result: PASS"


def _subtests(run: Run) -> Iterator[str]:
    """As node does, with a file's tests indented below it; nothing but the count says at the end that it is one."""
    files = _files(run)
    for number, (file, items) in enumerate(files.items(), 1):
        yield f"# Subtest: {_escaped(file)}"
        yield from (f"    {line}" for line in _points(run, items))
        yield f"    1..{len(items)}"
        bad = any(outcome in {"failed", "error"} for _, outcome in items)
        yield f"{'not ok' if bad else 'ok'} {number} - {_escaped(file)}"
        yield from ("  ---", "  duration_ms: 1.5", "  ...")
    if run.ending not in {"interrupted", "killed"}:
        yield f"1..{len(files)}"
        yield f"# tests {len(run.order)}"


def _points(run: Run, items: list[tuple[str, Outcome]]) -> Iterator[str]:
    for number, (name, outcome) in enumerate(items, 1):
        word = "not ok" if outcome in {"failed", "error"} else "ok"
        yield f"{word} {number} - {_escaped(name)}{' # SKIP not here' if outcome == 'skipped' else ''}"
        if word == "not ok":
            yield from ("# (in test file a.bats, line 3)", "#   `false' failed")
        if Quirk.RAW_CONTROLS in run.quirks:
            yield f"# {ESCAPE}"
        if Quirk.NOISE in run.quirks:
            yield "a warning of another program: ok, not ok"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("#", "\\#")
