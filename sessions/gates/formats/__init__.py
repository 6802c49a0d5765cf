"""The formats that gates write their results in: ``format = "sage"`` in the configuration names one.

A format is a module with one function, ``read``. To add one, write the module and its line in ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sessions.gates.formats import exit_status, go, junit, latex, sage, tap

if TYPE_CHECKING:
    from sessions.gates.results import GateOutput, Results


class Format(Protocol):
    """Reads what a gate's command left behind."""

    def read(self, output: GateOutput) -> Results:
        """Account for a run: which tests ran, and how each of them ended. Never raises, whatever the command wrote.

        A run that does not account for its own end has ``trouble``, beside whatever failures it reports: its report
        is missing, empty, broken off or senseless, it was interrupted or killed, it ran no test, or its status says
        what no test shows.
        """


FORMATS: dict[str, Format] = {
    "exit": exit_status,
    "go": go,
    "junit": junit,
    "latex": latex,
    "sage": sage,
    "tap": tap,
}
