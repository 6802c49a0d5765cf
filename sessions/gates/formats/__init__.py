"""The formats of gates' results, named in the configuration: ``format = "sage"``.

A format is a function in its own module. To add one, write the module and add it to ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sessions.gates.formats.apart import is_large, read_apart
from sessions.gates.formats.exit_status import read_exit_status
from sessions.gates.formats.go import read_go
from sessions.gates.formats.junit import read_junit
from sessions.gates.formats.latex import read_latex
from sessions.gates.formats.sage import read_sage
from sessions.gates.formats.tap import read_tap

if TYPE_CHECKING:
    from sessions.gates.results import GateOutput, Results


class Format(Protocol):
    """Reads the output of a gate's command."""

    def __call__(self, output: GateOutput) -> Results:
        """Return which tests ran, and how each of them ended. Never raises, whatever the command wrote.

        A run that did not end normally gets ``trouble`` in addition to the failures that it reports: its report is
        missing, empty, truncated or inconsistent, it was interrupted or killed, it ran no test, or its status
        contradicts its tests.
        """


FORMATS: dict[str, Format] = {
    "exit": read_exit_status,
    "go": read_go,
    "junit": read_junit,
    "latex": read_latex,
    "sage": read_sage,
    "tap": read_tap,
}


def read_output(name: str, output: GateOutput) -> Results:
    """Return what the format called ``name`` reads; large output is read in a process of its own."""
    return read_apart(name, output) if is_large(output) else FORMATS[name](output)
