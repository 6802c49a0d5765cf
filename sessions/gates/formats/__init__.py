"""The formats that gates write their results in: ``format = "sage"`` in the configuration names one.

A format is a module with one function, ``read``. To add one, write the module and its line in ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sessions.gates.formats import exit_status, go, junit, latex, sage, tap

if TYPE_CHECKING:
    from sessions.gates.results import Output, Results


class Format(Protocol):
    """Reads what a gate's command left behind."""

    def read(self, output: Output) -> Results:
        """Tell what failed. Never raises, whatever the command wrote.

        Output that is missing, broken off or senseless is a failure of the gate itself: there are no
        failures only where the tests are known to have run and passed.
        """


FORMATS: dict[str, Format] = {
    "exit": exit_status,
    "go": go,
    "junit": junit,
    "latex": latex,
    "sage": sage,
    "tap": tap,
}
