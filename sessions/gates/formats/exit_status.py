"""``format = "exit"``: the command's status is all there is to know. Zero passed, anything else failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.formats.findings import gate_failure, results_of

if TYPE_CHECKING:
    from sessions.gates.results import Output, Results


def read(output: Output) -> Results:
    """Give no failure for status 0, else one of the gate itself that shows the log's last lines."""
    if output.status == 0:
        return results_of([])
    return results_of([gate_failure(output, f"{output.gate} failed", "failed")])
