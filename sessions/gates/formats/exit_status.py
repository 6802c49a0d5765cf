"""``format = "exit"``: the command's exit status is the result: 0 for passed, anything else for failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.formats.findings import account
from sessions.gates.results import TestId

if TYPE_CHECKING:
    from sessions.gates.results import GateOutput, Results


def read_exit_status(output: GateOutput) -> Results:
    """Report the gate as its one test: passed with status 0, else failed, with the log's last lines."""
    if output.status == 0:
        return account(output, passed=[TestId(file="", name=output.gate)], tests=1)
    return account(output, trouble=f"{output.gate} failed", kind="failed", tests=1)
