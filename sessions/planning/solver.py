"""Binary programs, solved by HiGHS (https://highs.dev): the same program has the same answer on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf
from typing import Any

from sessions.settings.ticket_settings import HIGHS
from sessions.terminal.errors import UsageError

# A search for an optimum ends after this many nodes; a limit of time would make the answer depend on the machine.
_MOST_NODES = 200_000
# The bound of HiGHS is a floating-point number: one of 4.9999999 stands for 5.
_TOLERANCE = 1e-6
_OPTIONS: tuple[tuple[str, bool | int | float], ...] = (
    ("output_flag", False),
    ("threads", 1),
    ("random_seed", 0),
    ("mip_rel_gap", 0.0),
    ("mip_abs_gap", 0.0),
    ("mip_max_nodes", _MOST_NODES),
)


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """``chosen`` are the variables that are 1, ``value`` is the objective there, and no solution exceeds ``bound``.

    The optimum is proven where ``value`` equals ``bound``.
    """

    chosen: frozenset[int]
    value: int
    bound: int


class BinaryProgram:
    """A program whose variables are 0 or 1; its constraints and objectives have whole coefficients."""

    def __init__(self, variables: Sequence[int]) -> None:
        """Start a program with these variables.

        Raises :class:`UsageError` where HiGHS is not installed.
        """
        self._column = {variable: column for column, variable in enumerate(variables)}
        self._highspy = _import_highspy()
        self._highs = self._highspy.Highs()
        for name, value in _OPTIONS:
            self._highs.setOptionValue(name, value)
        for column in self._column.values():
            self._highs.addVar(0.0, 1.0)
            self._highs.changeColIntegrality(column, self._highspy.HighsVarType.kInteger)

    def require(self, terms: Mapping[int, int], *, at_least: float = -inf, at_most: float = inf) -> None:
        """Add a constraint on the sum of ``terms``: coefficients by variable."""
        columns = [self._column[variable] for variable in terms]
        self._highs.addRow(at_least, at_most, len(terms), columns, [float(each) for each in terms.values()])

    def fix(self, variable: int, value: int) -> None:
        """Give a variable this value in all solutions from now on."""
        self._highs.changeColBounds(self._column[variable], float(value), float(value))

    def maximise(self, terms: Mapping[int, int]) -> Optimum | None:
        """Return a solution in which the sum of ``terms`` is largest; ``None`` where there is no solution."""
        for variable, column in self._column.items():
            self._highs.changeColCost(column, float(terms.get(variable, 0)))
        self._highs.changeObjectiveSense(self._highspy.ObjSense.kMaximize)
        self._highs.run()
        info = self._highs.getInfo()
        if info.primal_solution_status != self._highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        values = self._highs.getSolution().col_value
        chosen = frozenset(variable for variable, column in self._column.items() if values[column] > 0.5)
        value = sum(coefficient for variable, coefficient in terms.items() if variable in chosen)
        is_optimal = self._highs.getModelStatus() == self._highspy.HighsModelStatus.kOptimal
        most = min(sum(each for each in terms.values() if each > 0), info.mip_dual_bound)
        return Optimum(chosen=chosen, value=value, bound=value if is_optimal else floor(most + _TOLERANCE))


def _import_highspy() -> Any:
    try:
        import highspy
    except ImportError:
        raise UsageError(
            f'[tickets] select = "best" needs the solver HiGHS: type `pip install "{HIGHS}"`, or remove the key.'
        ) from None
    return highspy
