"""Write what tools write: a planned account of a run in the formats ``junit``, ``tap`` and ``go``, with every quirk.

``write`` gives the :class:`~sessions.gates.results.GateOutput` that a tool would leave behind; ``name_in`` tells under
which name a format's reader must give a planned test. The dialects follow real reports: see ``tests/runners``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions.gates.results import GateOutput, TestId
from tests.gates.writing.go_log import write_go
from tests.gates.writing.junit_report import REPORTERS, write_junit
from tests.gates.writing.plan import Ending, Outcome, Plan, Quirk, Run
from tests.gates.writing.tap_log import TAP, write_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["DIALECTS", "QUIRKS", "Ending", "Outcome", "Plan", "Quirk", "name_in", "write"]

DIALECTS: Mapping[str, tuple[str, ...]] = {"junit": tuple(REPORTERS), "tap": tuple(TAP), "go": ("go",)}
QUIRKS: Mapping[str, tuple[Quirk, ...]] = {
    "junit": tuple(quirk for quirk in Quirk if quirk is not Quirk.NOISE),
    "tap": (Quirk.SHUFFLED, Quirk.RAW_CONTROLS, Quirk.NOISE),
    "go": (Quirk.SHUFFLED, Quirk.RAW_CONTROLS, Quirk.NOISE),
}
_WRITERS: Mapping[str, Callable[[Run], GateOutput]] = {"junit": write_junit, "tap": write_tap, "go": write_go}


def write(
    format: str,  # noqa: A002 - the configuration's own word
    dialect: str,
    plan: Plan,
    *,
    ending: Ending = "normal",
    quirks: Iterable[Quirk] = (),
    gate: str = "unit",
) -> GateOutput:
    """Write what a runner leaves behind that ran ``plan``: each test with its outcome, in this order.

    ``ending``: ``normal``; ``interrupted``: after half of the tests the runner stopped, and said so by its own means;
    ``killed``: the process was killed by signal 9 halfway, before it wrote its report; ``nothing``: it wrote nothing
    and ended with status 0; ``garbage``: it wrote what is no report; ``cut``: what it wrote ends in the middle.
    """
    run = Run(dialect=dialect, plan=plan, ending=ending, quirks=frozenset(quirks), gate=gate)
    return _WRITERS[format](run)


def name_in(format: str, dialect: str, test: TestId, *, gate: str = "unit") -> TestId:  # noqa: A002
    """Tell under which name the reader gives ``test``: not every dialect can say a file."""
    if format == "tap":
        return TAP[dialect].name(test, gate)
    return REPORTERS[dialect].name(test, gate) if format == "junit" else TestId(test.file, test.name)
