"""The formats of gates' results, named in the configuration: ``format = "sage"``.

A format is a function in its own module. To add one, write the module and add it to ``FORMATS`` in ``registry.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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


def read_output(name: str, output: GateOutput) -> Results:
    """Return what the format called ``name`` reads; large output is read in a process of its own.

    Parsers and their libraries are imported with the first output: a day whose results are all known reads none.
    """
    from sessions.gates.formats.apart import is_large, read_apart
    from sessions.gates.formats.registry import FORMATS

    return read_apart(name, output) if is_large(output) else FORMATS[name](output)
