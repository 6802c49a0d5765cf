"""What ``go test -json`` writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sessions.gates.results import GateOutput
from tests.gates.writing.plan import ESCAPE, Outcome, Quirk, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = {"passed": "pass", "failed": "fail", "error": "fail", "skipped": "skip"}


def write_go(run: Run) -> GateOutput:
    """Write the events on the log, a package after the other."""
    text = "".join(f"{line}\n" for line in _lines(run))
    content = b"" if run.ending == "nothing" else run.cut(text.encode())
    log = content.decode("utf-8", "replace")
    return GateOutput(gate=run.gate, status=run.status(interrupted=1), log=log, command="go test -json ./...")


def _lines(run: Run) -> Iterator[str]:
    packages: dict[str, list[tuple[str, Outcome]]] = {}
    for test, outcome in run.order:
        packages.setdefault(test.file, []).append((test.name, outcome))
    for package, items in packages.items():
        yield _event(package, "start")
        for name, outcome in items:
            yield from _test(run, package, name, outcome)
        if run.ending not in {"interrupted", "killed"}:
            yield _event(package, "fail" if any(o in {"failed", "error"} for _, o in items) else "pass")


def _test(run: Run, package: str, name: str, outcome: Outcome) -> Iterator[str]:
    yield _event(package, "run", name)
    yield _event(package, "output", name, f"=== RUN   {name}\n")
    if outcome in {"failed", "error"}:
        yield _event(package, "output", name, "    a_test.go:7: expected 1, got 2\n")
    if Quirk.RAW_CONTROLS in run.quirks:
        yield _event(package, "output", name, f"{ESCAPE}\n")
    if Quirk.NOISE in run.quirks:
        yield '# example.com/m/other {"Action":'
    yield _event(package, _ACTIONS[outcome], name)


def _event(package: str, action: str, test: str = "", output: str = "") -> str:
    event = {"Time": "2026-11-26T12:00:00Z", "Action": action, "Package": package}
    more = {key: value for key, value in (("Test", test), ("Output", output)) if value}
    return json.dumps(event | more, ensure_ascii=False)
